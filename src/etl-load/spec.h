/* What the user asked for: the load mode, the tables, and the values that their
 * columns get. */
#ifndef LOAD_SPEC_H
#define LOAD_SPEC_H

#include "base/opt.h"
#include "db/table.h"
#include "json/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The options as the user gave them. Borrows their texts, until the program
 * ends. */

enum { CONNECTIONS_MAX = 16, LOAD_OPTIONS_MAX = 96 };
#define BATCH_NOT_GIVEN UINT64_MAX

struct load_opts {
	const char *db, *control_schema, *table, *key, *mode, *ddl, *compare,
	    *touch, *seen, *scope, *replace_by, *soft_delete,
	    *max_deletes, *synchronous, *newer_by, *as_of, *valid_from,
	    *valid_to, *current, *missing, *undo, *table_from,
	    *emit;
	struct opt_list scope_values, expect, map, tables, nested;
	struct opt_list nested_at;      /* of the options of one table: the
	                                 * pointers of --nested in its
	                                 * records */
	const char *columns, *extra, *bytes;
	const char *duplicates, *rejects, *max_rejects, *backoff;
	uint64_t batch, flush, max_record, retries, connections;
	uint64_t keep_runs;
	uint64_t lock_timeout, statement_timeout;       /* 0: not given */
	bool plain, marked, single, verbose, again, no_checkpoint, lossy,
	    complete,
	    allow_empty, delete_despite_rejects, empty_as_null, strict,
	    create, plan, evolve, keep_before, with_checkpoint, replay_over;
	/* By place in the table of options: it is on the command line. */
	bool is_given[LOAD_OPTIONS_MAX];
};

/* The load modes (--mode): one constant row for each says what it does. Code
 * that depends on the mode asks for one of these properties, not for a name.
 * Gives: rows that live as long as the program.
 * Fails: ERR_USAGE if --mode is wrong or does not fit another option. */

/* A new mode is a row in spec.c and, if it writes rows in a way of its own, a
 * case in pg/pg_sql.c and sqlite/sqlite_sql.c. */
struct load_mode {
	const char *name;
	bool keyed;             /* finds the row of a record by a key: the
	                         * columns of --key or the primary key */
	bool updates;           /* keyed: changes a row that exists */
	bool skips;             /* keyed: leaves a row that exists as it is, and
	                         * counts the record as skipped */
	bool deletes;           /* a record may say that its row is to be
	                         * deleted: the record counts as deleted, or as
	                         * missed if there is no such row */
	bool changes;           /* keyed: a record is a change of a row (see
	                         * change.h); changes are applied in the
	                         * order of the input */
	bool history;           /* keyed: if the values of a key change, inserts
	                         * a new row and keeps the rows before it */
	bool repeatable;        /* a second load of the same records leaves the
	                         * table as the first one has left it */
	bool written_known;     /* the sinks know which rows the mode has
	                         * written, for the tests of --expect */
	bool nests;             /* keyed: a record may have elements that are
	                         * rows of another table (--nested) */
	bool splits;            /* keyed: the records of different keys may be
	                         * loaded by several connections, each of which
	                         * commits by itself (--connections) */
	bool complete;          /* needs a complete stream and no increment;
	                         * commits once, at the end of the stream */
	bool replaces;          /* before the first record is written, deletes
	                         * all rows of the table */
	bool by_scope;          /* before the first record is written, deletes
	                         * the rows of the scopes (--scope) */
	bool mirrors;           /* keyed: at the end of the stream deletes the
	                         * rows whose keys are not in the input; if
	                         * `history` is set, ends the validity of those
	                         * that are current */
	bool removes;           /* may delete rows for which the input has no
	                         * record, and counts them as removed */
};

/* Finds the mode of --mode (default: append, or upsert if --key is given) and
 * checks that the options fit it. Needs no database. */
int load_mode_choose(const struct load_mode **mode, const struct load_opts *o,
    struct err *e);
/* True if --mode replace fills a new table, which is then put in the place of
 * the old one. On SQLite the sink deletes the rows instead, with the same
 * result. */
bool load_mode_swaps(const struct load_mode *m, const struct load_opts *o);
/* True if --mode replace empties the table by TRUNCATE (--replace-by). */
bool load_mode_truncates(const struct load_opts *o);

/* Says which value each column gets: that of the member with the column's name
 * or, with --map, the value at a JSON Pointer. Also: --extra, which says what
 * happens with a member that has no column, --empty-as-null and --bytes.
 * Owns:  all of it; mapping_release() frees it.
 * Borrows: the options.
 * Fails: ERR_USAGE; ERR_CONFIG if an option does not fit the table. */

enum extra { EXTRA_REJECT, EXTRA_IGNORE, EXTRA_ERROR, EXTRA_COLUMN };

struct member {                         /* a member of records */
	char *name;
	size_t len;
	size_t column;                  /* with this name, or SIZE_MAX */
	bool mapped;                    /* it is the first part of a pointer of
	                                 * --map, --table-from or --nested */
	bool mapped_whole;              /* it is the whole of such a pointer */
};

struct mapping {
	const char **pointer;           /* by column: of --map, or NULL */
	bool *named;                    /* by column: --columns or --map names
	                                 * it */
	bool only_named;                /* --columns: load no other column */
	size_t nmapped;                 /* pointers */
	unsigned levels;                /* of nesting of a record, down to the
	                                 * deepest value that a column gets */
	enum extra extra;
	int extra_column;               /* EXTRA_COLUMN, else -1 */
	bool sets_values;               /* an option sets values after all
	                                 * members were read */
	bool empty_as_null;
	bool base64;                    /* --bytes base64 */
	struct member *members;         /* sorted: the names of all columns and
	                                 * the first names of all pointers */
	size_t nmembers;
};

/* Checks all that can be checked without the database. */
int mapping_check(const struct load_opts *o, struct err *e);
/* True if the value of --extra is the name of a column, not a word such as
 * reject. */
bool mapping_has_extra(const struct load_opts *o);
int mapping_open(struct mapping *m, const struct table *t,
    const struct load_opts *o, struct err *e);
void mapping_release(struct mapping *m);
/* Finds what is known about members of this name. Returns NULL if no column has
 * the name and no pointer begins with it. */
const struct member *mapping_find_member(
    const struct mapping *m, const char *name, size_t len);
/* Returns the token of the value that the column gets from a scanned row, or 0
 * if the row has none. */
uint32_t mapping_find_value(const struct mapping *m, const struct table *t,
    struct json *row, size_t column);
/* With --empty-as-null: if the value is an empty string, makes it null. */
void mapping_null_empty(const struct mapping *m, struct json *row,
    uint32_t value);
/* True if the load writes values of records into the column: --columns or --map
 * names it, or there is no --columns and the database does not generate it. */
bool mapping_loads(const struct mapping *m, const struct table *t,
    size_t column);

/* The tables of --tables, in the order of the option. Each entry has the NAME
 * that a record gives, the table, and its key.
 * Owns:  all texts; table_list_release() frees them.
 * Fails: ERR_USAGE if an entry cannot be read, or if two options contradict
 *        each other. Needs no database. */

struct listed_table {
	char *name;             /* the value at --table-from in its records */
	size_t len;
	char *table;            /* in the form of an argument of --table */
	char *key;              /* in the form of an argument of --key, or
	                         * NULL */
};

struct table_list {
	struct listed_table *v;
	size_t n;               /* 0: --table names the only table */
	bool keyed;             /* an entry has a key */
};

enum { TABLES_MAX = 1000 };

int table_list_check(const struct load_opts *o, struct err *e);
int table_list_parse(
    struct table_list *l, const struct load_opts *o, struct err *e);
void table_list_release(struct table_list *l);
/* Returns the number of the entry with this NAME, or l->n if there is none.
 * Compares entry number `first` before the others: most records have the same
 * NAME as the record before. */
size_t table_list_find(const struct table_list *l, const char *name, size_t len,
    size_t first);

/* The tables of --nested, in the order of the options. Each gets rows from the
 * elements of an array inside the records of another table, its parent.
 * Owns:  all texts; nested_list_release() frees them.
 * Borrows: the options: a pointer is a part of the option's text.
 * Fails: ERR_USAGE if an option cannot be read. Needs no database. */

struct nested_table {
	size_t parent;          /* number of its table in --tables, or 0 */
	char *table;            /* in the form of an argument of --table */
	const char *pointer;    /* to the array */
};

struct nested_list {
	struct nested_table *v;
	size_t n;
};

/* `tables` is the list of --tables: empty if --table names the only table. */
int nested_list_parse(struct nested_list *l, const struct load_opts *o,
    const struct table_list *tables, struct err *e);
void nested_list_release(struct nested_list *l);
/* Sets o->nested_at to the pointers of --nested in the records of table number
 * `parent`. The caller frees o->nested_at.v. */
int nested_set_pointers(const struct nested_list *l, size_t parent,
    struct load_opts *o, struct err *e);
/* Makes the options *o of a table of --nested from those of its parent: options
 * that say how values are read hold for both tables, options that name columns
 * hold for the parent only. */
void nested_set_options(const struct nested_table *t,
    const struct load_opts *parent, struct load_opts *o);

/* Reads the names of a list such as "a, b", the value of --key. */

/* Reads the next name of the list, with the blanks around it, and moves *list
 * after it. Returns false at the end, where *list is NULL. A list that is NULL
 * has no names; the list "" has one name, which is empty. */
bool name_list_next(const char **list, const char **name, size_t *len);
/* Like name_list_next(), but without the blanks around the name. */
bool name_list_next_trimmed(const char **list, const char **name, size_t *len);
/* True if the list contains the name. Ignores blanks around the names of the
 * list. */
bool name_list_has(const char *list, const char *name, size_t len);

/* Finds the column that an option names. Blanks around the name are ignored,
 * unless the table has a column whose name contains these blanks.
 * Fails: ERR_CONFIG if the table has no such column. */

int option_find_column(const struct table *t, const char *option,
    const char *name, size_t len, size_t *column, struct err *e);

/* Checks a view that --table names in place of a table.
 * Fails: ERR_CONFIG if the database cannot insert into the view, or would not
 *        show what the mode must know about its rows. */

/* Returns 0 if `t` is no view. */
int view_check(const struct table *t, const struct load_mode *mode,
    struct db *db, struct err *e);

#endif
