/* Rejects a record if a column of PostgreSQL would change one of its values
 * without an error. For example, numeric(6,2) rounds 12.3456.
 * Fails: -1 without memory. */
#ifndef LOAD_PG_UNCHANGED_H
#define LOAD_PG_UNCHANGED_H

#include "table/record.h"

/* Checks the values that r has for the columns of s. Returns 1: the columns
 * keep all values unchanged; 0: the record must be rejected, *why says why; -1
 * with *e. */
int pg_reject_changed(struct reader *r, const struct shape *s,
    struct buf *scratch, struct reject *why, struct err *e);

#endif
