/* Writes a record's values in the text format of PostgreSQL's COPY. Appends the
 * values of the columns of s, separated by tabs, without newline. Values of
 * a wrong type are sent as they are: the server's message about them is the
 * best one.
 * Fails: check buf_check() of b. */
#ifndef LOAD_PG_COPY_TEXT_H
#define LOAD_PG_COPY_TEXT_H

#include "table/record.h"

void pg_put_copy_values(struct buf *b, struct reader *r, const struct shape *s,
    struct buf *scratch);

#endif
