/* Writes a JSON array as an array of PostgreSQL in text form, such as {1,2} or
 * {{1,2},{3,4}}, and a JSON object as a composite value, such as (7,"a b").
 * Fails: check buf_check() of b. */
#ifndef LOAD_PG_LITERAL_H
#define LOAD_PG_LITERAL_H

#include "base/buf.h"
#include "db/table.h"
#include "json/scan.h"

/* Appends the array or object of token `tok`: c is an array column or has a
 * composite type. All values inside must have tokens. base64: values for bytes
 * are base64. */
void pg_put_literal(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64);

/* Appends an integer that is written as 5.0 or 1e30, with digits only. Returns
 * false for any other value. */
bool pg_put_int_digits(struct buf *b, const struct json *j,
    const struct json_tok *t);
/* p and n are the text of the value t, without quotes. */
bool pg_is_hex(const struct json_tok *t, const char *p, size_t n);
/* Replaces the bytes of b from offset `at` to the end by their hex digits. */
void pg_bytes_to_hex(struct buf *b, size_t at);
/* Appends a string without its quotes and escapes, and any other value as
 * compact JSON. */
void pg_put_characters(struct buf *b, const struct json *j, uint32_t tok);

#endif
