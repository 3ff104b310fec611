/* An upsert may leave out records that equal their row in the table. For each
 * record, INSERT ... ON CONFLICT makes a new row and locks the row of its key,
 * which writes to the WAL. Only then it compares the two. A query that finds
 * equal rows before is faster. But it also takes time for rows that have
 * changed, so it is made only if most rows of the last chunk were unchanged. */
#ifndef LOAD_PG_SKIP_UNCHANGED_H
#define LOAD_PG_SKIP_UNCHANGED_H

#include "table/target.h"

/* True if the table cannot refuse a record of this shape that equals its row,
 * so that the record may be left out. For this, each NOT NULL column must be
 * compared by the upsert, or must be missing in the record and have a default.
 * If a record has a NULL in a compared column, it differs from its row. */
bool pg_accepts_equal(const struct target *t, const struct shape *s);

#endif
