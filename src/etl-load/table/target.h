/* The table that is loaded, and the options that name its columns.
 * Owns:  the table; target_close() frees everything.
 * Fails: ERR_CONFIG if an option does not fit the table. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "db/table.h"
#include "load.h"

enum { NO_COLUMN = -1 };

/* A load mode (--mode) is known in these places; `upsert` and `keyed` in
 * struct target stand for it:
 *
 * main.c                    the help of --mode; man/etl-load.1
 * table/target.c            the names of the modes, the options that a mode
 *                           needs or forbids, the columns of the key
 * load.c                    the counts of the summary; the hint to use --key
 * commit/stream_marks.c     --lookback needs a key; l->whole
 * commit/ledger_row.c       make_ledger_entry()
 * commit/reconnect.c        may the batch be loaded a second time?
 * commit/sums.c             the counts of records by outcome, which
 *                           lib/control/run_counts.c adds up for the run
 * pg/sink_pg.c              which loads are copied straight into the table
 * pg/pg_merge.c             equal keys in a batch, counts, --seen
 * pg/pg_equal_keys.c        few statements for equal keys in a batch
 * pg/pg_sql.c               INSERT ... ON CONFLICT, the order of equal keys
 * pg/pg_row_by_row.c        the order of rows, the counts of keys
 * sqlite/sqlite_sql.c       sqlite_put_insert()
 * sqlite/sqlite_store.c     insert_or_update_row()
 * sqlite/sink_sqlite.c      store_or_reject_item() */
enum load_mode { LOAD_APPEND, LOAD_UPSERT, LOAD_IGNORE };

struct target {
	struct table *table;
	enum load_mode mode;
	bool upsert;                    /* mode is LOAD_UPSERT */
	bool keyed;                     /* mode is upsert or ignore */
	size_t *key, nkey;              /* columns, in the order of --key */
	bool *is_key, *compared;        /* by column */
	int touch, seen;                /* columns or NO_COLUMN */
	bool lossy;                     /* --lossy: the database may change
	                                 * values */
	bool checks_change;             /* not lossy, and a column would change
	                                 * some values (struct column) */
	bool partitioned;               /* PostgreSQL: the rows are stored in
	                                 * other tables */
};

/* Checks --mode and the options that depend on the mode; the database is not
 * needed. */
int check_mode_options(const struct load_opts *o, struct err *e);
int target_open(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e);
void target_close(struct target *t);
/* Returns the reason why a record may not set this column, or NULL if a record
 * may set it. */
const char *target_refusal_reason(const struct target *t, size_t column);

#endif
