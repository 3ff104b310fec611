/* The table that is loaded, and the options that name its columns.
 * Owns:  the table; target_close() frees everything.
 * Fails: ERR_CONFIG if an option does not fit the table. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "db/table.h"
#include "load.h"

enum { NO_COLUMN = -1 };

/* A load mode (--mode) is known in these places; `upsert` and `keyed` in
 * struct target stand for it: - main.c: the help of --mode; man/etl-load.1 -
 * table/target.c: parse_mode_or_use_default() names, set_and_check_mode()
 * sets `upsert` and `keyed` and checks the options,
 * set_and_check_columns_of_options() finds the key - load.c:
 * print_summary_if_terminal_or_verbose() the counts,
 * suggest_key_if_rows_existed() - commit/stream_marks.c: check_begin_mark()
 * needs a key for --lookback, stream_start_at_begin_mark() sets l->whole -
 * commit/ledger_row.c: make_ledger_entry(); commit/reconnect.c:
 * ask_commit_outcome(): may records be loaded a second time? - pg/sink_pg.c:
 * find_if_copy_may_be_straight() - pg/pg_merge.c: the treatment of equal
 * keys, counts, --seen - pg/pg_sql.c: pg_order_of_equal_keys(),
 * put_returning(), pg_put_on_conflict_returning() - pg/pg_row_by_row.c: the
 * order of rows, the counts of keys - sqlite/sqlite_sql.c:
 * sqlite_put_insert(); sqlite/sqlite_store.c: insert_or_update_row();
 * sqlite/sink_sqlite.c: store_or_reject_item() */
enum load_mode { LOAD_APPEND, LOAD_UPSERT, LOAD_IGNORE };

struct target {
	struct table *table;
	enum load_mode mode;
	bool upsert;                    /* mode is LOAD_UPSERT */
	bool keyed;                     /* mode is upsert or ignore */
	size_t *key, nkey;              /* columns, in the order of --key */
	bool *is_key, *compared;        /* by column */
	int touch, seen;                /* columns or NO_COLUMN */
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
