/* The program of the native engine: a tree in which calls are replaced by the
 * bodies of functions, and names of variables by numbers (slots).
 * Owns:    an arena with the tree and the constants.
 * Borrows: the filter and the options.
 * Gives:   program_compile() returns -1 with *lacks if the native engine cannot
 *          run the filter. */
#ifndef TRANSFORM_RESOLVE_H
#define TRANSFORM_RESOLVE_H

#include "engine/engine.h"
#include "native/value.h"

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
