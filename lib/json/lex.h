/* The internals of the scanner: its state, and the code that is rarely reached.
 * Gives: each function returns the position after what it read, NULL on a
 *        fault. */
#ifndef JSON_LEX_H
#define JSON_LEX_H

#include "json/scan.h"

struct frame {                  /* an open object or array */
	uint64_t seen;          /* a bit for the hash of each name so far */
	uint32_t tok;           /* its token, if this level has tokens */
	uint32_t members;
	char close;
};

struct scan {
	struct json *j;
	struct json_fault *f;
	const char *end;
	unsigned int depth, levels;
	bool unique;
	bool value;             /* a value must follow, no comma or bracket */
	struct frame stack[JSON_DEPTH_MAX];
};

const char *lex_set_fault(struct scan *s, const char *at, const char *code,
    const char *why) __attribute__((cold));
const char *lex_set_nomem(struct scan *s) __attribute__((cold));
/* Sets the fault for the character at p or the end of the text. other_reason
 * is the message if the character is valid, such as "expected a colon". */
const char *lex_set_unexpected(
    struct scan *s, const char *p, const char *other_reason)
    __attribute__((cold));

const char *lex_match_word(struct scan *s, const char *p, const char *word,
    size_t n);
/* Reads, inside a string, an escape or a run of non-ASCII characters at p. */
const char *lex_skip_special(struct scan *s, const char *p,
    unsigned int *flags);

#endif
