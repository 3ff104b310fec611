/* The places where checkpoints are kept: the database or a state file.
 * Gives: get() returns a value that the caller frees, or NULL if the checkpoint
 *        was cleared. set() with the value NULL clears the checkpoint. list()
 *        calls each() for every checkpoint until each() fails.
 * Fails: ERR_LIMIT from get(), and from a set() that clears, if there is no
 *        such checkpoint. */
#ifndef CHECKPOINT_STORE_H
#define CHECKPOINT_STORE_H

#include "checkpoint.h"
#include "control/checkpoints.h"

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
