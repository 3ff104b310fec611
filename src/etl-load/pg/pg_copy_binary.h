/* Writes a record's values in the binary format of PostgreSQL's COPY, which the
 * server reads in half the time of the text format. The functions support only
 * the usual types, and only usual spellings of their values. The server stores
 * the same values as from the text format.
 * Fails: check buf_check() of b. */
#ifndef LOAD_PG_COPY_BINARY_H
#define LOAD_PG_COPY_BINARY_H

#include "table/record.h"

/* Append the bytes that COPY requires before the first row and after the last
 * row. */
void pg_put_binary_header(struct buf *b);
void pg_put_binary_trailer(struct buf *b);
/* Begins a row of n values. */
void pg_put_binary_row(struct buf *b, size_t columns);
void pg_put_binary_int4(struct buf *b, uint32_t v);
/* Appends the values of the columns of s. If a value has no supported binary
 * form, appends nothing and returns false. */
bool pg_put_binary_values(struct buf *b, const struct reader *r,
    const struct shape *s);
/* True if all columns of the shape have types that are supported here. */
bool pg_shape_is_binary(const struct target *t, const struct shape *s);

#endif
