/* The native engine: runs the part of jq that is in resolve.c and functions.c,
 * many times faster than libjq.
 * Owns:  the program and its memory; native_free() accepts NULL.
 * Gives: native_compile() returns 1, or 0 with *lacks if it cannot run the
 *        filter. native_run() returns false if libjq must run the record, from
 *        its beginning: the outcome is then empty.
 * Fails: -1 if memory is out. */
#ifndef TRANSFORM_NATIVE_H
#define TRANSFORM_NATIVE_H

#include "engine/engine.h"
#include "native/value.h"

struct native;

/* Returns true if native_compile() may be called before libjq has compiled the
 * filter. */
bool native_may_go_first(const struct engine_conf *c);
/* A return value of 1 means that libjq accepts the filter, too. Exception: if
 * lacks->doubtful is set, libjq may still refuse it. */
int native_compile(struct native **n, const struct engine_conf *c,
    struct lacks *lacks, struct err *e);
bool native_run(struct native *n, const struct json *j, struct outcome *o);
void native_free(struct native *n);

/* Parses the part of jq's language that the native engine runs.
 * Gives: parse_filter() returns a tree in the arena, or NULL with *lacks if the
 *        text has a form that the native engine lacks. If libjq could refuse
 *        the text, lacks->doubtful is set.
 * Source: the grammar of jq 1.6 (src/parser.y). A form that the versions of jq
 *         read in different ways counts as lacking. */

struct node *parse_filter(
    struct arena *a, const char *text, struct lacks *lacks);

/* The program of the native engine: a tree in which calls are replaced by the
 * bodies of functions, and names of variables by numbers (slots).
 * Owns:    an arena with the tree and the constants.
 * Borrows: the filter and the options.
 * Gives:   program_compile() returns -1 with *lacks if the native engine cannot
 *          run the filter. */

struct compiled {
	struct arena arena;
	const struct node *root;
	uint32_t slots;         /* variables */
	bool zones;             /* to_timestamp(ZONE) is called */
};

int program_compile(struct compiled *p, const struct engine_conf *c,
    struct lacks *lacks);
void compiled_release(struct compiled *p);

#endif
