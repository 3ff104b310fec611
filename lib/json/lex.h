/* The internals of the scanner: its state, and the code that is rarely reached.
 * Gives: each function returns the position after what it read, NULL on a
 *        fault. */
#ifndef JSON_LEX_H
#define JSON_LEX_H

#include "json/scan.h"

struct frame {                  /* an open object or array */
	uint64_t seen;          /* a bit for the hash of each name so far */
	uint32_t tok;           /* its token, if positions are kept */
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

const char *lex_fault(struct scan *s, const char *at, const char *code,
    const char *why) __attribute__((cold));
const char *lex_nomem(struct scan *s) __attribute__((cold));
/* Reports what stands at p (or the end of the text) where `wanted` was
 * expected. */
const char *lex_unexpected(struct scan *s, const char *p, const char *wanted)
    __attribute__((cold));

const char *lex_word(struct scan *s, const char *p, const char *word,
    size_t n);
/* Reads, inside a string, an escape or a run of non-ASCII characters at p. */
const char *lex_string_rare(struct scan *s, const char *p,
    unsigned int *flags);

#endif
