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
#include "json/token.h"

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

#endif
