/* Replaces a file atomically: a reader sees the old or the new content, whole.
 * Owns:  a lock on the folder from replace_open() to replace_close(), so that
 *        two processes that read, change and replace the file cannot undo each
 *        other's change.
 * Gives: symbolic links are followed; the file keeps its mode. A temporary file
 *        that a killed process has left is overwritten by the next write.
 * Fails: ERR_RETRY if another process holds the lock for ten seconds. */
#ifndef CONTROL_FILE_REPLACE_H
#define CONTROL_FILE_REPLACE_H

#include "base/errval.h"

#include <stddef.h>

struct replace {
	int folder;
	char *path;             /* of the file, links resolved */
	char *temp;             /* path of the temporary file */
	const char *beside;     /* its name in the folder */
};

int replace_open(struct replace *r, const char *path, struct err *e);
/* Writes the temporary file, syncs it, renames it over the file, and syncs the
 * folder. */
int replace_write(struct replace *r, const char *p, size_t n, struct err *e);
void replace_close(struct replace *r);

#endif
