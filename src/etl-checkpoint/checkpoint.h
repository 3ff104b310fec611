/* The context of the sub-commands: options, operands, output. Each sub-command
 * is one function, listed in main.c. It prints to `out`, and returns -1 with *e
 * if it fails.
 * Borrows: everything until the sub-command returns. */
#ifndef CHECKPOINT_CHECKPOINT_H
#define CHECKPOINT_CHECKPOINT_H

#include "base/stdfd.h"
#include "stream/line_writer.h"

#include <stdint.h>

struct checkpoint_opts {
	const char *db, *control_schema, *state;
	bool json;
	uint64_t max_record;
	bool marked, no_marks;
};

struct command {
	const struct checkpoint_opts *opts;
	const struct stdfd *fds;
	const struct store *store;
	const char *path;       /* the file of --state */
	char **args;
	struct out *out;
};

int list_command(struct command *c, struct err *e);
int save_command(struct command *c, struct err *e);

#endif
