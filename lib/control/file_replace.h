/* Replaces a file atomically: a reader sees the old or the new content, whole.
 * Owns:  a lock on the folder from replace_begin() to replace_end(), so that
 *        two processes that read, change and replace the file cannot overwrite
 *        each other's change.
 * Gives: symbolic links are followed; the file keeps its mode. The next write
 *        replaces a temporary file that a killed process left behind.
 * Fails: ERR_RETRY if another process holds the lock for ten seconds. */
#ifndef CONTROL_FILE_REPLACE_H
#define CONTROL_FILE_REPLACE_H

#include "base/errval.h"

#include <stddef.h>

struct replace {
	int folder;             /* directory of the file; holds the lock */
	char *path;             /* path of the file, without symbolic links */
	char *temp;             /* path of the temporary file */
	const char *temp_name;  /* its last component */
};

int replace_begin(struct replace *r, const char *path, struct err *e);
/* Writes the temporary file, syncs it, renames it over the file, and syncs the
 * folder. */
int replace_write(struct replace *r, const char *p, size_t n, struct err *e);
void replace_end(struct replace *r);

#endif
