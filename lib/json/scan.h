/* Checks a JSON text (RFC 8259) in one pass and stores where its values are.
 * Owns:  tok, which grows as needed and is reused for the next text.
 * Borrows: the text, until the next json_scan().
 * Gives: tok[0] is the whole value; its parts follow in order of appearance, in
 *        an object each name before its value; tok[i].next is the token after
 *        value i. Values deeper than levels_with_tokens are checked, also for
 *        names that occur twice, but get no tokens.
 * Fails: -1 with the fault; it never reads past len and never recurses. */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include "base/errval.h"

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

/* Why a text is not valid; the code is that of a reject (etl-record(5)). */
struct json_fault {
	const char *code;       /* parse, encoding, depth, duplicate_member */
	const char *why;        /* static text */
	size_t at;              /* byte offset */
	bool nomem;             /* the text is not at fault: memory is out */
};

/* What to do with a member name that occurs twice in an object. JSON_UNIQUE: it
 * is a fault. JSON_LAST: json_scan() accepts it, and json_member_value() finds
 * the last one. */
enum json_members { JSON_UNIQUE, JSON_LAST };

int json_scan(struct json *j, const char *text, size_t len,
    unsigned levels_with_tokens, enum json_members dup, struct json_fault *f);
/* The message of a fault: "not JSON: expected a value at byte 0". */
void json_fault_text(char *out, size_t size, const struct json_fault *f);
void json_release(struct json *j);
/* Returns the name of a type with its article, such as "a number". */
const char *json_type_name(
    uint8_t type); /* "an array", for messages */

/* Returns the token index of the value of the member `name` in the object whose
 * token has the index obj: the last member of that name, or 0 if there is none.
 * Escapes in names are decoded before they are compared. */
uint32_t json_member_value(const struct json *j, uint32_t obj, const char *name,
    size_t len);

#endif
