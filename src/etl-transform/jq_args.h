/* The options that take two arguments: --arg, --argjson, --slurpfile.
 * Owns:  the list; its texts stay in argv.
 * Gives: args_take() moves these options from argv into the list. It stops at
 *        "--".
 * Fails: ERR_USAGE if an option lacks an argument, or NAME cannot be the
 *        name of a variable. */
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
