/* Inside of the scanner: its state, and the paths that are rarely taken.
 * Gives: the position behind what was read, NULL after a fault. */
#ifndef JSON_LEX_H
#define JSON_LEX_H

#include "json/scan.h"

struct frame {                  /* an object or array that is open */
	uint64_t seen;          /* bits of the names so far */
	uint32_t tok;           /* if kept */
	uint32_t members;
	char close;
};

struct scan {
	struct json *j;
	struct json_fault *f;
	const char *end;
	unsigned int depth, levels;
	bool unique;
	bool value;             /* a value must come, not a comma or the end */
	struct frame stack[JSON_DEPTH_MAX];
};

const char *lex_fault(struct scan *s, const char *at, const char *code,
    const char *why) __attribute__((cold));
const char *lex_nomem(struct scan *s) __attribute__((cold));
/* Something else stands at p than what was wanted, or nothing at all. */
const char *lex_unexpected(struct scan *s, const char *p, const char *wanted)
    __attribute__((cold));

const char *lex_word(struct scan *s, const char *p, const char *word,
    size_t n);
/* In a string, at p: an escape, or a row of non-ASCII, or a fault. */
const char *lex_string_rare(struct scan *s, const char *p,
    unsigned int *flags);

#endif
