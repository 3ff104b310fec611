/* Names of members, compared with their escapes decoded: "a" and "\u0061"
 * are equal. Two different lone surrogates are two names. */
#ifndef JSON_NAME_H
#define JSON_NAME_H

#include "json/token.h"

#include <stdbool.h>

/* Decodes the escape sequence whose backslash is at p, in a valid string, and
 * returns its length. *cp is the code point; it may be a lone surrogate. */
size_t escape_decode(const char *p, unsigned int *cp);

/* Reads a name byte by byte, escapes decoded. */
struct name_iter {
	const char *p, *end;
	unsigned char out[4];
	unsigned int n, i;
};

void name_iter_begin(struct name_iter *it, const struct json_tok *t,
    const char *text);
/* Returns the next byte of the decoded name, or -1 at its end. */
int name_iter_next(struct name_iter *it); /* a byte, -1 at the end */

/* Returns a hash of the length and of the first and the last eight bytes of the
 * name at token i. */
uint32_t name_hash(const struct json *j, uint32_t i);
/* Compare two names, or a name and a text, byte by byte after decoding. */
int name_compare(const struct json_tok *a, const struct json_tok *b,
    const char *text);
int name_compare_text(const struct json_tok *t, const char *text,
    const char *name, size_t len);
bool name_equals(const struct json *j, uint32_t a, uint32_t b);
/* Looks for two members of the same name in the object whose token has the
 * index obj. Returns 0 if there are none. Returns 1 if there are, and sets
 * *second to the token of the second name. Returns -1 if memory is out. The
 * time is never quadratic. */
int name_find_duplicate(const struct json *j, uint32_t obj, uint32_t *second);

#endif
