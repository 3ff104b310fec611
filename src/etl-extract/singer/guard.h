/* A guard process. If etl-extract is killed by SIGKILL, the guard kills the
 * Singer tap and all processes that the tap has started. It is the leader of
 * their process group. It notices the end of etl-extract when a pipe closes
 * whose other end etl-extract holds.
 * Owns:  the process and the pipe. */
#ifndef EXTRACT_SINGER_GUARD_H
#define EXTRACT_SINGER_GUARD_H

#include "base/errval.h"

#include <sys/types.h>

struct guard {
	pid_t pid;              /* also the number of the process group; 0: not
				 * started */
	int pipe;               /* -1: closed */
};

int guard_start(struct guard *g, struct err *e);
/* Kills the guard and all processes that are still in its group. */
void guard_end(struct guard *g);

#endif
