/* Which rows an upsert may leave out because they are equal to their row in the
 * table. For each row INSERT ... ON CONFLICT makes a row, locks the row of its
 * key, which also writes to the WAL, and only then compares the two. A query of
 * the row is faster. But it also takes time for rows that have changed, so it
 * is done only if most rows of the chunk before were unchanged. */
#ifndef LOAD_PG_SKIP_UNCHANGED_H
#define LOAD_PG_SKIP_UNCHANGED_H

#include "table/target.h"

/* True if the table refuses no row of this shape that is equal to its row in
 * the table, so the result is the same without such rows: the row must have a
 * value for each column with NOT NULL, and the upsert must compare it. */
bool pg_accepts_unchanged_rows(const struct target *t, const struct shape *s);

#endif
