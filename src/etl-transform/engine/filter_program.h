/* The text that libjq compiles: the user's filter with the definitions of
 * module etl that it names, put between its imports and the rest.
 * Gives: program_build() the text, with the lines as they were, and
 *        program_message() a message of libjq's without the definitions.
 * Fails: ERR_CONFIG for an import that would read a file no -L allows. */
#ifndef TRANSFORM_FILTER_PROGRAM_H
#define TRANSFORM_FILTER_PROGRAM_H

#include "engine/engine.h"

struct program {
	struct buf text;
	size_t at, added;       /* where the definitions are, and how long */
	bool debugs;
};

/* The filter may call debug itself. */
bool program_debugs(const struct engine_conf *c);

int program_build(struct program *p, const struct engine_conf *c,
    const char *tag, struct err *e);
void program_release(struct program *p);
void program_message(const struct program *p, struct buf *out,
    const char *msg);

#endif
