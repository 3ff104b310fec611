/* The context of the sub-commands: options, operands, output. Each sub-command
 * is one function, listed in main.c. It prints to `out`, and returns -1 with *e
 * if it fails.
 * Borrows: everything until the sub-command returns. */
#ifndef CHECKPOINT_CHECKPOINT_H
#define CHECKPOINT_CHECKPOINT_H

#include "base/stdfd.h"
#include "control/checkpoints.h"
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

/* The places where checkpoints are kept: the database or a state file.
 * Gives: get() returns a value that the caller frees, or NULL if the checkpoint
 *        was cleared. set() with the value NULL clears the checkpoint. list()
 *        calls each() for every checkpoint until each() fails.
 * Fails: ERR_LIMIT from get(), and from a set() that clears, if there is no
 *        such checkpoint. */

struct store {
	int (*get)(struct command *c, const char *name, char **value,
	    int64_t *version, struct err *e);
	int (*set)(struct command *c, const char *name, const char *value,
	    struct err *e);
	int (*list)(struct command *c, int (*each)(void *self,
	    const struct checkpoint *p, struct err *e), void *self,
	    struct err *e);
};

extern const struct store store_db, store_file;

/* If stderr is a terminal: says that there are no checkpoints in this place. */
void store_print_none(const char *store_name);

#endif
