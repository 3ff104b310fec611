/* jq's options that take two arguments: --arg, --argjson, --slurpfile.
 * Owns:  the list; its texts stay in argv.
 * Gives: args_take() takes them out of argv, up to "--".
 * Fails: ERR_USAGE for one that lacks an argument or names no variable. */
#ifndef TRANSFORM_JQ_ARGS_H
#define TRANSFORM_JQ_ARGS_H

#include "engine/engine.h"

struct args {
	struct arg *v;
	size_t n;
};

int args_take(struct args *a, int *argc, char *argv[], struct err *e);
void args_release(struct args *a);

#endif
