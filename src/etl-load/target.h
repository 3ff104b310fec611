/* The table that is loaded, and the options that name its columns.
 * Owns:  the table; target_close() frees everything.
 * Fails: ERR_CONFIG if an option does not fit the table. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "base/buf.h"
#include "db/table.h"
#include "history.h"
#include "spec.h"

enum { NO_COLUMN = -1 };

struct shape {                          /* a set of columns that records name */
	size_t *columns, n;             /* in the table's order */
	size_t id;                      /* 0, 1, ... */
};

/* What --soft-delete writes to mark a row as deleted; see target.h. */
enum deleted_mark {
	MARK_TRUE,
	MARK_TIME,              /* the time of the transaction */
	MARK_DATE               /* SQLite: the date of that time */
};

struct target {
	struct table *table;
	struct mapping mapping;
	const struct load_mode *mode;
	size_t *key, nkey;              /* columns, in the order of --key */
	bool *is_key, *compared;        /* by column */
	struct shape scope;             /* columns, in the order of --scope */
	int touch, seen, soft_delete;   /* columns or NO_COLUMN */
	enum deleted_mark mark;         /* of column soft_delete */
	int newer_by;                   /* a column or NO_COLUMN */
	struct history history;         /* of --mode scd2 */
	bool truncates;                 /* --mode replace empties the table by
	                                 * TRUNCATE */
	bool swaps;                     /* PostgreSQL: --mode replace fills a
	                                 * new table and puts it in the place
	                                 * of this one */
	bool strict;                    /* --strict: an update or delete that
	                                 * finds no row is a reject */
	bool lossy;                     /* --lossy: the database may change
	                                 * values */
	bool checks_change;             /* not lossy, and a column would change
	                                 * some values (struct column) */
	const char *on_commit;          /* PostgreSQL: of temporary tables */
	bool judges_nested;             /* a column, such as a composite value,
	                                 * an array or a range, may misread a
	                                 * JSON array or object */
	bool keeps_images;              /* --keep-before: the sink keeps images
	                                 * of the rows that change */
	struct shape identity;          /* then: the columns that identify a
	                                 * row; see target.c */
	char suffix[8];                 /* of names of temporary tables: "", or
	                                 * another one for each table */
	bool partitioned;               /* PostgreSQL: the rows are stored in
	                                 * other tables */
	const char *parent;             /* --nested: the rows of this table are
	                                 * elements of the records of that
	                                 * table, with the key of their record
	                                 * in the columns of `scope`; or NULL */
	int position;                   /* --nested: the column of an element's
	                                 * place in its array, or NO_COLUMN */
	char *scope_where;              /* SQLite, --nested: the condition of
	                                 * the rows of a scope; or NULL */
	bool scope_has_index;           /* PostgreSQL, --nested: an index finds
	                                 * the rows of a scope */
};

int target_open(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e);
void target_close(struct target *t);
/* Sets *changed to true if the table was altered since target_open(): a column,
 * or the unique index of the key or, with --keep-before, of the columns that
 * identify a row. Without this index the load would insert rows twice. Called
 * in a transaction that has written its rows, so no other session can alter the
 * table until it ends. */
int target_find_change(const struct target *t, struct db *db, bool *changed,
    struct err *e);
/* True if records can set the column, by a member with its name or by --map. */
bool target_loads(const struct target *t, size_t column);
/* Appends the JSON Pointer to the member that gives the column its value.
 * Returns false if there is no such member, because the column is the one that
 * --extra names. */
bool target_put_pointer(
    struct buf *b, const struct target *t, size_t column);
/* Returns the reason why a member with the column's name may not set the
 * column, or NULL if it may. */
const char *target_why_refused(const struct target *t, size_t column);

/* Finds the columns that the options of etl-load name: --key, --compare,
 * --touch, --scope and others.
 * Fails: ERR_CONFIG if the table has no such column, or if two options
 *        contradict each other. */

/* Finds the columns of a list "a,b" that an option gives, also columns that the
 * database generates. `columns` has room for all columns of the table. */
int target_find_columns(const struct table *t, const char *option,
    const char *list, size_t *columns, size_t *n, struct err *e);

/* The column of --soft-delete. A load that would delete a row stores a mark in
 * this column instead: the time or, in a boolean column, true. In a row that is
 * not deleted the column is NULL or false. */

/* Returns, as SQL, the value that the column has in a row that is not
 * deleted. */
const char *soft_delete_live(const struct target *t);
/* Appends a condition that is true if the row `row` is marked as deleted. `row`
 * is an SQL name with a dot behind it, or "". */
void soft_delete_put_marked(struct buf *b, const struct target *t,
    const char *row);
/* With --soft-delete, appends `before` and a condition that is true if the row
 * is not marked as deleted; in --mode scd2 the condition is true if the row is
 * current. Without the option appends nothing. */
void soft_delete_put_live(struct buf *b, const struct target *t,
    const char *before, const char *row);

/* Finds tables that refer to the target by a foreign key, or inherit from it.
 * Fails: ERR_CONFIG, and the message names the other table. */

/* Fails if the database would delete or change rows of another table when rows
 * of the target are deleted, because no count would show these changes: ON
 * DELETE CASCADE, SET NULL or SET DEFAULT, or a table that inherits from the
 * target. Also fails for a foreign key that is checked only at the commit. The
 * sinks check foreign keys for each record, but in this case the row that a
 * record refers to may come with a later record. */
int check_referring(const struct target *t, struct db *db, struct err *e);

#endif
