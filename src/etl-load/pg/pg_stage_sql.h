/* The staging table PG_STAGE, a temporary table of the session. "etl.n" is the
 * number of the item, "etl.s" that of its shape; then come the columns of the
 * target table. In --mode cdc "etl.o" is the operation of struct change, as a
 * letter, and "etl.k0", "etl.k1" ... are the old key of an update that changes
 * the key, else NULL. */
#ifndef LOAD_PG_STAGE_SQL_H
#define LOAD_PG_STAGE_SQL_H

#include "pg/pg_sql.h"

/* By enum operation: the letter in "etl.o". */
extern const char pg_operation_letters[3];

/* lasts: the table stays after the commit, with its rows. */
void pg_put_create_stage_table(
    struct buf *b, const struct target *t, bool lasts);
/* COPY of the shape's columns, into the staging table or straight into the
 * target. */
void pg_put_copy_statement(
    struct buf *b, const struct target *t, const struct shape *s, bool staged,
    bool binary);
/* "etl.k0": the column of the old key for column number i of the key. */
void pg_put_old_column(struct buf *b, size_t i);

#endif
