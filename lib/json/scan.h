/* One JSON text (RFC 8259), checked in one pass and left as positions.
 * Owns:  tok, grown as needed and kept for the next text.
 * Borrows: text until the next json_scan().
 * Gives: tok[0] is the whole value, then its parts in order of appearance: an
 *        object's name token, then its value's; tok[i].next skips a value.
 *        Deeper than levels is checked, but leaves no tokens.
 * Fails: -1 with the fault; never reads past len, never recurses. */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

enum json_type {
	JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING,
	JSON_ARRAY, JSON_OBJECT
};

enum {                          /* json_tok.flags; json.flags has all of them */
	JSON_ESCAPED = 1,       /* string: has a backslash */
	JSON_NUL = 2,           /* string: has \u0000 */
	JSON_LONE = 4,          /* string: has a lone surrogate escape */
	JSON_FRACTION = 8,      /* number: has a dot or an exponent */
	JSON_SPACE = 16,        /* in json.flags: white space between tokens */
	JSON_DEPTH_MAX = 256,   /* libjq parses no deeper */
	JSON_LEVELS_ALL = 257   /* keep positions of everything */
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

/* What is wrong with a text, in the words of the reject (etl-record(5)). */
struct json_fault {
	const char *code;       /* parse, encoding, depth, duplicate_member */
	const char *why;        /* static text */
	size_t at;              /* byte offset */
	bool nomem;             /* no fault of the text: memory is out */
};

enum json_members { JSON_UNIQUE, JSON_LAST };   /* same name twice: fault, or
                                                 * kept for the reader */

int json_scan(struct json *j, const char *text, size_t len, unsigned levels,
    enum json_members dup, struct json_fault *f);
void json_release(struct json *j);
const char *json_type_name(uint8_t type);       /* "an array", for messages */

/* Members of the object at tok index obj: index of the value of name (the
 * last one of that name), 0 where there is none.  Names are compared
 * unescaped. */
uint32_t json_member(const struct json *j, uint32_t obj, const char *name,
    size_t len);

#endif
