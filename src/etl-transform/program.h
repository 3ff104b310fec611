/* The text that libjq compiles: the user's filter with the definitions of
 * module etl that it names, put between its imports and the rest.
 * Gives: program_build() the text; program_lines() turns the line numbers in
 *        a message of libjq's back to those of the user's filter.
 * Fails: ERR_CONFIG for an import that would read a file no -L allows. */
#ifndef TRANSFORM_PROGRAM_H
#define TRANSFORM_PROGRAM_H

#include "engine.h"

struct program {
	struct buf text;
	unsigned int header;    /* the lines in front of the definitions */
	unsigned int added;     /* the lines they take */
	bool debugs;
};

/* The filter may call debug itself. */
bool program_debugs(const struct engine_conf *c);

int program_build(struct program *p, const struct engine_conf *c,
    const char *tag, struct err *e);
void program_release(struct program *p);
void program_lines(const struct program *p, struct buf *out, const char *msg);

#endif
