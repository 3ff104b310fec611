/* Names of members, compared with their escapes decoded: "a" and "\u0061"
 * are equal. Two different lone surrogates are two names. */
#ifndef JSON_NAME_H
#define JSON_NAME_H

#include "json/scan.h"

/* The length of the escape at p (a backslash) in a valid string; *cp is the
 * code point, or a lone surrogate as it is. */
size_t escape_read(const char *p, unsigned int *cp);

/* Reads a name byte by byte, escapes decoded. */
struct name_iter {
	const char *p, *end;
	unsigned char out[4];
	unsigned int n, i;
};

void name_begin(struct name_iter *it, const struct json_tok *t,
    const char *text);
int name_next(struct name_iter *it);            /* a byte, -1 at the end */

/* A hash of the first and the last eight bytes. */
uint32_t name_hash(const struct json *j, uint32_t i);
bool name_same(const struct json *j, uint32_t a, uint32_t b);
/* Looks for equal names in the object at tok index obj: 0 none, 1 the name
 * *second (a token) has come before, -1 no memory. It never takes quadratic
 * time. */
int name_twice(const struct json *j, uint32_t obj, uint32_t *second);

#endif
