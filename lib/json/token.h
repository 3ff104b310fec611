/* The values of a JSON text that json_scan() has checked: where each one is.
 * Borrows: struct json, the text. json_release() frees tok. */
#ifndef JSON_TOKEN_H
#define JSON_TOKEN_H

#include <stddef.h>
#include <stdint.h>

enum json_type {
	JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING,
	JSON_ARRAY, JSON_OBJECT
};

enum {                          /* of json_tok.flags; json.flags is their OR */
	JSON_ESCAPED = 1,       /* string: has a backslash */
	JSON_NUL = 2,           /* string: has \u0000 */
	JSON_LONE = 4,          /* string: has a lone surrogate escape */
	JSON_FRACTION = 8,      /* number: has a dot or an exponent */
	JSON_SPACE = 16,        /* in json.flags: white space between tokens */
	JSON_DEPTH_MAX = 256,   /* libjq does not parse deeper texts */
	JSON_LEVELS_ALL = 257   /* make tokens of all values */
};

struct json_tok {
	uint32_t at;            /* first byte, an opening quote included */
	uint32_t len;           /* bytes, quotes and brackets included */
	uint32_t next;          /* index of the token after this value */
	uint16_t members;       /* children, 65535 for that many or more */
	uint8_t type, flags;
};

struct json {
	const char *text;
	size_t len;
	struct json_tok *tok;
	uint32_t n, cap;
	uint8_t flags;
};

/* Returns the token index of the value of the member `name` in the object whose
 * token has the index obj: the last member of that name, or 0 if there is none.
 * Escapes in names are decoded before they are compared. */
uint32_t json_member_value(const struct json *j, uint32_t obj, const char *name,
    size_t len);

#endif
