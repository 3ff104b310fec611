/* Names of members, compared as the characters they stand for: "a" and
 * "\u0061" are one name.  Two different lone surrogates are two names. */
#ifndef JSON_NAME_H
#define JSON_NAME_H

#include "json/scan.h"

/* The escape at p (a backslash) of a valid string: its length; *cp is what it
 * stands for, a lone surrogate being itself. */
size_t escape_read(const char *p, unsigned int *cp);

/* One character of a name at a time, as bytes. */
struct name_iter {
	const char *p, *end;
	unsigned char out[4];
	unsigned int n, i;
};

void name_begin(struct name_iter *it, const struct json_tok *t,
    const char *text);
int name_next(struct name_iter *it);            /* a byte, -1 at the end */

/* Of the first and the last eight bytes. */
uint32_t name_hash(const struct json *j, uint32_t i);
bool name_same(const struct json *j, uint32_t a, uint32_t b);
/* All names of the object at tok index obj: 0 all differ, 1 one came before
 * (*second is its token), -1 no memory.  Never quadratic. */
int name_twice(const struct json *j, uint32_t obj, uint32_t *second);

#endif
