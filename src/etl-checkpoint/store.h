/* Where checkpoints are: one const struct a kind, one file each.
 * Gives: get's value is the caller's to free; each() is called for every
 *        checkpoint, and ends the list where it fails.
 * Fails: set says ERR_LIMIT where it clears (value NULL) what is not there. */
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

/* A list has none: told on a terminal only, as it may be another place. */
void store_empty(const char *name);

#endif
