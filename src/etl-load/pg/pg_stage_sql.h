/* The staging table PG_STAGE, a temporary table of the session. Its columns:
 * "etl.n", the number of the record in the chunk; "etl.s", the number of its
 * shape; the columns of the target table. In --mode cdc there are also "etl.o",
 * the operation as a letter, and "etl.k0", "etl.k1" ..., the old key of an
 * update that changes the key, else NULL. */
#ifndef LOAD_PG_STAGE_SQL_H
#define LOAD_PG_STAGE_SQL_H

#include "pg/pg_sql.h"

/* The letters in "etl.o", by enum operation. */
extern const char pg_operation_letters[3];

/* If `lasts` is true, the table and its rows stay after the commit. */
void pg_put_stage_table(struct buf *b, const struct target *t, bool lasts);
/* COPY of the shape's columns into the staging table or, if `staged` is false,
 * directly into the target. */
void pg_put_copy(struct buf *b, const struct target *t, const struct shape *s,
    bool staged, bool binary);
/* The name of a column of the old key, such as "etl.k0": i is the number of the
 * column in the key. */
void pg_put_old_column(struct buf *b, size_t i);

#endif
