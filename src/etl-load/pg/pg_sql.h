/* The statements that load a chunk on PostgreSQL, by way of a temporary table
 * of the session, or straight.  Each appends one statement. */
#ifndef LOAD_PG_SQL_H
#define LOAD_PG_SQL_H

#include "table/record.h"

/* The staging table: "etl.n" the item, "etl.s" the shape, the columns. */
#define PG_STAGE "pg_temp.etl_load_stage"
/* What the slow way found: a row for each bad record; for item -1 the sums. */
#define PG_FOUND "pg_temp.etl_load_found"

void pg_make_stage(struct buf *b, const struct target *t);
void pg_make_found(struct buf *b);
/* COPY of the shape's columns, staged or straight into the table. */
void pg_copy(struct buf *b, const struct target *t, const struct shape *s,
    bool staged);
/* Rows of the shape from the staging table into the target. The answer is
 * (rows inserted or updated, rows inserted). */
enum pg_keys {
	PG_KEYS_NONE,           /* append; or other shapes are staged too, and
	                         * of each key only the last row */
	PG_KEYS_UNIQUE,         /* one that comes twice is a failure, 21000 */
	PG_KEYS_TWICE           /* the last row of each key counts */
};
void pg_merge(struct buf *b, const struct target *t, const struct shape *s,
    enum pg_keys keys);
/* Staged rows of a key but the one that counts are deleted: the last of an
 * upsert, the first where rows that are there are left alone. */
const char *pg_first(const struct target *t);
void pg_dedupe(struct buf *b, const struct target *t);
void pg_distinct(struct buf *b, const struct target *t);
void pg_seen(struct buf *b, const struct target *t);
/* In blocks, and those that fail row by row, each bad one told of. */
void pg_slow(struct buf *b, const struct target *t,
    struct shape *const *shapes, size_t n);

/* Pieces: INSERT INTO t (columns); from."a", from."b", now(); ON CONFLICT ...
 * RETURNING whether the row is new; one."k" = other."k" AND ... */
void pg_insert_into(struct buf *b, const struct target *t,
    const struct shape *s);
void pg_source(struct buf *b, const struct target *t, const struct shape *s,
    const char *from);
void pg_on_conflict(struct buf *b, const struct target *t,
    const struct shape *s);
void pg_same_key(struct buf *b, const struct target *t, const char *one,
    const char *other);

#endif
