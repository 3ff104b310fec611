/* Rejects a record if a JSON array or object in it does not fit the type of its
 * column and PostgreSQL would not report it. Examples: a member that a
 * composite type does not have would be lost; {} would become an empty array.
 * Fails: -1 without memory. */
#ifndef LOAD_PG_COMPOSITE_H
#define LOAD_PG_COMPOSITE_H

#include "table/record.h"

/* r has the values of the columns of s. Returns 1: all values fit; 0: the
 * record must be rejected, *why says why; -1 with *e. */
int pg_reject_unfit(struct reader *r, const struct shape *s, struct reject *why,
    struct err *e);

#endif
