/* Rejects a record if a value of it would not come back from its column of
 * PostgreSQL as it was, although PostgreSQL stores it without an error: for
 * example, numeric(6,2) rounds 12.3456.
 * Fails: -1 without memory. */
#ifndef LOAD_PG_UNCHANGED_H
#define LOAD_PG_UNCHANGED_H

#include "table/record.h"

/* r has the values of the columns of s. Returns 1: all of them come back as
 * they were; 0: the record must be rejected, *why says why; -1 with *e. */
int pg_reject_changed_values(struct reader *r, const struct shape *s,
    struct buf *scratch, struct reject *why, struct err *e);

#endif
