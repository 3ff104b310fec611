/* The PostgreSQL statements that load a chunk: directly into the table, or
 * through the staging table, which is a temporary table of the session. Each
 * function appends one statement to the buffer. */
#ifndef LOAD_PG_SQL_H
#define LOAD_PG_SQL_H

#include "table/record.h"

/* The staging table (pg_stage_sql.h). */
#define PG_STAGE "pg_temp.etl_load_stage"
/* The results of the merge row by row: a row for each refused record, and a row
 * with item -1 for the counts. */
#define PG_FOUND "pg_temp.etl_load_found"
/* The keys of the rows that a merge in rounds has inserted or updated. */
#define PG_MERGED "pg_temp.etl_load_merged"
/* The keys of the records that the transaction has written, for --expect. */
#define PG_WRITTEN "pg_temp.etl_load_written"
/* The plan of the next round of --mode scd2 (pg_history_sql.h). */
#define PG_PLAN "pg_temp.etl_load_plan"

/* Appends the statements that make the table PG_FOUND if it is missing, and
 * empty it. */
void pg_put_found_table(struct buf *b, const struct target *t);
/* Appends the statements that make the table PG_MERGED if it is missing, and
 * empty it. */
void pg_put_merged_table(struct buf *b, const struct target *t);
/* The staged rows that a merge statement selects, and their order. */
enum pg_rows_taken {
	PG_ROWS_IN_ORDER,       /* those of the shape, in the order in which
				 * they came */
	PG_ROWS_UNSORTED,       /* those of the shape, if their order does not
				 * matter */
	PG_ROWS_BY_KEY,         /* those of the shape, in the key's order */
	PG_ROWS_LAST_OF_KEY,    /* the last row of each key, or a row of the key
	                         * with a NULL that the column refuses */
	PG_ROWS_CHANGED,        /* like PG_ROWS_UNSORTED, without rows that the
	                         * upsert would find unchanged */
	PG_ROWS_NONE            /* no rows: no record is then the cause of an
	                         * error */
};
/* Merges the staged rows of a shape into the target. If `alone` is true, all
 * staged rows have this shape. The statement returns two numbers: how many rows
 * it has inserted or updated, and how many of these it has inserted.
 * INSERT ... ON CONFLICT checks NOT NULL and CHECK before it looks for a row
 * with the key. If `first_updates` is true, the statement updates the rows that
 * exist and inserts only the others. Then no two rows may have one key, unless
 * the mode is ignore. */
void pg_put_merge(struct buf *b, const struct target *t, const struct shape *s,
    bool alone, enum pg_rows_taken rows, bool first_updates);
/* For a merge in rounds: merges the staged rows of this shape that are number
 * `round` of their key, counted from 1. Adds the keys of the rows inserted or
 * updated to PG_MERGED. */
void pg_put_merge_round(struct buf *b, const struct target *t,
    const struct shape *s, int64_t round, bool first_updates);
/* A query that returns the same two numbers as pg_put_merge(), but for all
 * rounds together: each key in PG_MERGED counts once. */
void pg_put_count_merged(struct buf *b, const struct target *t);
/* Counts the different keys in the staging table. */
void pg_put_count_keys(struct buf *b, const struct target *t);
/* Counts the staged rows of each key, and returns the highest of these
 * counts. */
void pg_put_count_most(struct buf *b, const struct target *t);
/* Sets the column of --seen in the rows of the target whose keys are staged. */
void pg_put_seen(struct buf *b, const struct target *t);
struct pg_row_rules {
	bool refers_to_itself;  /* the table has a foreign key to itself: a row
	                         * may refer to one that comes later */
	bool judge_all;         /* refuse a row also for an error that usually
	                         * passes, such as a deadlock */
	bool group_at_once;     /* all rows have one shape and different keys,
	                         * and one statement may merge many rows */
	bool in_order, secured, first_updates;  /* as in struct pg_sink */
};
/* Merges the staged rows of the used shapes one by one, as if each had been in
 * a batch of its own. Writes each refused row to PG_FOUND. */
void pg_put_merge_singly(struct buf *b, const struct target *t,
    struct shape *const *shapes, const bool *used, size_t n,
    const struct pg_row_rules *rules);

/* True if a merge of rows of this shape must first update the rows that exist,
 * because the table would refuse the records as new rows. */
bool pg_updates_first(const struct target *t, const struct shape *s,
    const struct pg_row_rules *rules);

/* Pieces of statements. */
/* Appends OVERRIDING SYSTEM VALUE if the shape has an identity column: this
 * lets an INSERT set it. */
void pg_put_overriding(struct buf *b, const struct target *t,
    const struct shape *s);
/* INSERT INTO t (columns) */
void pg_put_insert(struct buf *b, const struct target *t,
    const struct shape *s);
/* from."a", from."b", now() */
void pg_put_source(struct buf *b, const struct target *t, const struct shape *s,
    const char *from);
/* "deleted" = now(): marks a row as deleted (--soft-delete), and sets the
 * column of --touch. Comes after UPDATE ... SET. */
void pg_put_mark_deleted(struct buf *b, const struct target *t);
/* ROW(from."a", from."b")::record: the columns that an upsert compares; with
 * key_too, also those of the key. */
void pg_put_compared(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, bool key_too);
/* Begin and end the CTE m, which merges rows. Its first column is true if the
 * row was inserted; if with_keys is true, the key follows. Between the two
 * calls comes FROM ... AS w. */
void pg_put_merge_begin(struct buf *b, const struct target *t,
    const struct shape *s, bool first_updates);
void pg_put_merge_end(struct buf *b, const struct target *t,
    const struct shape *s, bool first_updates, bool with_keys);
/* UPDATE of the row "etl.t" with the key of the row `from`, if this changes it.
 * `source` is "" or a FROM clause. */
void pg_put_update_row(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, const char *source);
/* ON CONFLICT ... RETURNING an expression that is true if the row is new */
void pg_put_on_conflict(struct buf *b, const struct target *t,
    const struct shape *s);
/* "a" = from."a", "b" = from."b", and the columns of --touch, --seen and
 * --soft-delete. Comes after UPDATE ... SET. */
void pg_put_assignments(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, bool key_too);
/* A condition that is true if the record would change the existing row "etl.t":
 * with key_too, also if it would only spell its key in another way. */
void pg_put_row_differs(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, bool key_too);
/* ORDER BY the key, then the number of the item */
void pg_put_order_by(struct buf *b, const struct target *t);
/* one."k" = other.name_in_other */
void pg_put_equal(struct buf *b, const struct column *c, const char *one,
    const char *other, const char *name_in_other);
/* one."k" = other."k" AND ... */
void pg_put_same_key(struct buf *b, const struct target *t, const char *one,
    const char *other);

#endif
