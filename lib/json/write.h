/* Writes JSON into a buffer. As in buf.h, check buf_check() once at the end. */
#ifndef JSON_WRITE_H
#define JSON_WRITE_H

#include "base/buf.h"
#include "json/scan.h"

#include <stdint.h>

/* Writes a string in quotes, with the escapes that jq uses. The bytes must be
 * UTF-8. */
void json_put_string(struct buf *b, const char *p, size_t n);
/* Writes a string in quotes with the escapes of RFC 8785: those of jq, except
 * that the character DEL is not escaped. */
void json_put_canon_string(struct buf *b, const char *p, size_t n);
/* Write a member of an object: first a comma, unless the last byte is '{'. */
void json_put_member(struct buf *b, const char *name, const char *p, size_t n);
void json_put_text(struct buf *b, const char *name, const char *s);
void json_put_int(struct buf *b, const char *name, int64_t v);
void json_put_raw(struct buf *b, const char *name, const char *p, size_t n);
/* Writes the value at tok index i without the white space between its
 * tokens. The tokens stay as they are. The value's parts need not have
 * tokens. */
void json_put_compact(struct buf *b, const struct json *j, uint32_t i);
/* Writes the characters of string token i, with escapes decoded. A lone
 * surrogate becomes U+FFFD: to find out whether there is one, check the token's
 * flags first. */
void json_unescape(struct buf *b, const struct json *j, uint32_t i);

/* Writes JSON in the canonical form of RFC 8785 (JCS), so that equal values
 * have equal texts: no white space, members sorted by the UTF-16 code units of
 * their names, the fewest escapes, and each number in one spelling.
 * Differs: a number that a double would round keeps all of its digits. RFC 8785
 *          would write two such numbers as the same text. */

/* Appends the value at token i, whose parts must all have tokens. Of several
 * members of one name, the last counts. Returns false if a number has an
 * exponent of more than 18 digits, whose value is not known exactly. */
bool json_put_canonical(struct buf *b, const struct json *j, uint32_t i);
/* Compares two names in the order of a canonical object. Returns less than 0, 0
 * or more than 0. */
int json_compare_names(const char *a, const char *b);

#endif
