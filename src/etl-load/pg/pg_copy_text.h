/* A record's values as PostgreSQL's COPY reads them, in text format.
 * Appends the shape's columns, parted by tabs, no newline: what is not of the
 * type is left to the server, whose words about it are the best.
 * Fails: buf_check() of b tells. */
#ifndef LOAD_PG_COPY_TEXT_H
#define LOAD_PG_COPY_TEXT_H

#include "table/record.h"

void pg_values(struct buf *b, struct reader *r, struct buf *scratch);

#endif
