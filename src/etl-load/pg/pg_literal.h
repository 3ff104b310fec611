/* Writes a JSON array as an array of PostgreSQL in text form, such as {1,2} or
 * {{1,2},{3,4}}, and a JSON object as a composite value, such as (7,"a b").
 * Fails: check buf_check() of b. */
#ifndef LOAD_PG_LITERAL_H
#define LOAD_PG_LITERAL_H

#include "base/buf.h"
#include "db/table.h"
#include "json/scan.h"

/* Value `tok` is an array, and c is a column of arrays; or it is an object, and
 * c has a composite type. All values in it have tokens. base64: so are bytes
 * written in JSON. */
void pg_put_literal(struct buf *b, const struct json *j, uint32_t tok,
    const struct column *c, bool base64);

/* Parts of a value in text form. */
bool pg_is_int_with_fraction(
    const struct json_tok *t, const struct json *j, int64_t *v);
/* p is the text of the value t. */
bool pg_is_hex(const struct json_tok *t, const char *p, size_t n);
/* Replaces the bytes of b from offset `at` to the end by their hex digits. */
void pg_bytes_to_hex(struct buf *b, size_t at);
/* Appends the characters of a string; of any other value the compact JSON. */
void pg_put_characters(struct buf *b, const struct json *j, uint32_t tok);

#endif
