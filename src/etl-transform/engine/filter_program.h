/* The text that libjq compiles: the user's filter and, between its imports and
 * the rest, those definitions of the module etl that the filter mentions.
 * Gives: program_build() makes the text. The definitions add no line, so that
 *        libjq reports the user's line numbers. program_put_message() removes
 *        the definitions from an error message of libjq.
 * Fails: program_build() if memory is out. */
#ifndef TRANSFORM_FILTER_PROGRAM_H
#define TRANSFORM_FILTER_PROGRAM_H

#include "engine/engine.h"

struct program {
	struct buf text;
	size_t at, added;       /* place and length of the definitions */
	bool may_call_debug;
};

/* Returns true if the user's filter may call jq's function debug. With -L
 * always: a module may call it. */
bool program_may_call_debug(const struct engine_conf *c);

/* Returns true if the user's filter may call to_timestamp(ZONE). */
bool program_may_use_zones(const struct engine_conf *c);
int program_build(struct program *p, const struct engine_conf *c,
    const char *tag, struct err *e);
void program_release(struct program *p);
void program_put_message(const struct program *p, struct buf *out,
    const char *msg);

#endif
