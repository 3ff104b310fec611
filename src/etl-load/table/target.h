/* The table that is loaded, and the options that name its columns.
 * Owns:  the table; target_close() frees everything.
 * Fails: ERR_CONFIG if an option does not fit the table. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "db/table.h"
#include "table/history.h"
#include "table/mode.h"

enum { NO_COLUMN = -1 };

struct shape {                          /* a set of columns that records name */
	size_t *columns, n;             /* in the table's order */
	size_t id;                      /* 0, 1, ... */
};

/* What --soft-delete writes to mark a row as deleted; see soft_delete.h. */
enum deleted_mark {
	MARK_TRUE,
	MARK_TIME,              /* the time of the transaction */
	MARK_DATE               /* SQLite: the date of that time */
};

struct target {
	struct table *table;
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
	bool strict;                    /* --strict: an update or delete that
	                                 * finds no row is a reject */
	bool lossy;                     /* --lossy: the database may change
	                                 * values */
	bool checks_change;             /* not lossy, and a column would change
	                                 * some values (struct column) */
	bool partitioned;               /* PostgreSQL: the rows are stored in
	                                 * other tables */
};

int target_open(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e);
void target_close(struct target *t);
/* Returns the reason why a record may not set this column, or NULL if a record
 * may set it. */
const char *target_refusal_reason(const struct target *t, size_t column);

#endif
