/* Declarations that only statefile*.c share: a state file in memory, parsed and
 * checked. */
#ifndef CONTROL_STATEFILE_IMPL_H
#define CONTROL_STATEFILE_IMPL_H

#include "base/buf.h"
#include "control/statefile.h"
#include "json/scan.h"

enum { STATEFILE_MAX = 64 << 20 };

struct statefile {
	const char *path;
	struct buf text;
	struct json j;
	uint32_t at;            /* token of the name that statefile_next()
	                         * returns next */
	struct buf name, value;
};

/* Checks the member "files" of the checkpoint whose object is token `entry`.
 * Returns the token that is not valid, and sets *why; or returns 0. */
uint32_t statefile_bad_file(const struct statefile *f, uint32_t entry,
    const char **why);
/* Calls each() for each file of the checkpoint whose object is token `entry`.
 * An entry of 0 means that there is no such checkpoint. */
int statefile_each_file(const struct statefile *f, uint32_t entry,
    file_state_each *each, void *self, struct err *e);
/* Appends the member "files" of a checkpoint: the stored files with the change
 * applied. `entry` is the token of the checkpoint's object, or 0 if there is
 * none. Appends nothing if nothing is stored and the change has no files. */
int statefile_put_files(struct buf *b, const struct statefile *f,
    uint32_t entry, const struct files_change *change, struct err *e);

#endif
