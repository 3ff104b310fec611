/* The PostgreSQL statements that load a chunk: straight into the table, or by
 * way of the staging table, a temporary table of the session. Each function
 * appends one statement to the buffer. */
#ifndef LOAD_PG_SQL_H
#define LOAD_PG_SQL_H

#include "table/record.h"

/* The staging table: "etl.n" is the number of the item, "etl.s" that of its
 * shape; then come the columns of the target table. */
#define PG_STAGE "pg_temp.etl_load_stage"
/* The result of merging row by row: a row for each refused record, and a row
 * for item -1 with the counts. */
#define PG_FOUND "pg_temp.etl_load_found"

void pg_put_create_stage_table(struct buf *b, const struct target *t);
void pg_put_create_found_table(struct buf *b);
/* COPY of the shape's columns, into the staging table or straight into the
 * target. */
void pg_put_copy_statement(
    struct buf *b, const struct target *t, const struct shape *s, bool staged);
/* How the merge treats staged rows with equal keys. */
enum pg_keys {
	PG_KEYS_NONE,           /* append, or equal keys were removed before */
	PG_KEYS_UNIQUE,         /* expect none: the server reports 21000 */
	PG_KEYS_TWICE           /* merge one row of each key: for an upsert the
	                         * last, for --mode ignore the first */
};
/* Merges the staged rows of a shape into the target. The statement returns one
 * row: (rows inserted or updated, rows inserted). */
void pg_put_merge_statement(struct buf *b, const struct target *t,
    const struct shape *s, enum pg_keys keys);
/* Returns " DESC" or "", the end of an ORDER BY that puts the row to be merged
 * before the other rows of its key. An upsert merges the last row of a key;
 * --mode ignore merges the first. */
const char *pg_order_of_equal_keys(const struct target *t);
/* Deletes staged rows so that one row of each key remains: for an upsert the
 * last one, for --mode ignore the first. */
void pg_put_delete_equal_keys(struct buf *b, const struct target *t);
/* Counts the different keys in the staging table. */
void pg_put_count_keys(struct buf *b, const struct target *t);
/* Sets the column of --seen in the rows whose keys are staged. */
void pg_put_update_seen(struct buf *b, const struct target *t);
/* Merges the staging table in groups of 16 keys. The rows of a group that fails
 * are merged one by one, and each refused row is written to PG_FOUND. */
void pg_put_merge_row_by_row(struct buf *b, const struct target *t,
    struct shape *const *shapes, size_t n);

/* Pieces of statements. */
/* INSERT INTO t (columns) */
void pg_put_insert_into(struct buf *b, const struct target *t,
    const struct shape *s);
/* from."a", from."b", now() */
void pg_put_source_columns(struct buf *b, const struct target *t,
    const struct shape *s, const char *from);
/* ON CONFLICT ... RETURNING whether the row is new */
void pg_put_on_conflict_returning(struct buf *b, const struct target *t,
    const struct shape *s);
/* one."k" = other."k" AND ... */
void pg_put_same_key_condition(
    struct buf *b, const struct target *t, const char *one, const char *other);

#endif
