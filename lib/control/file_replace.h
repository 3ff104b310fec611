/* A file replaced whole: what was there, or what comes, and never a part.
 * Owns:  the lock of its folder from replace_open() to replace_close(), so
 *        that of two who read, change and replace none undoes the other.
 * Gives: a link is followed; the file keeps its mode. What a kill has left
 *        beside it goes with the next write.
 * Fails: ERR_RETRY where another has the lock for ten seconds. */
#ifndef CONTROL_FILE_REPLACE_H
#define CONTROL_FILE_REPLACE_H

#include "base/errval.h"

#include <stddef.h>

struct replace {
	int folder;
	char *path;             /* of the file itself */
	char *temp;             /* where it is written */
	const char *beside;     /* the name of that in the folder */
};

int replace_open(struct replace *r, const char *path, struct err *e);
/* Written beside, fsync, renamed, fsync of the folder. */
int replace_write(struct replace *r, const char *p, size_t n, struct err *e);
void replace_close(struct replace *r);

#endif
