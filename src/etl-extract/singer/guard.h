/* A process that ends the Singer tap and all processes that the tap has started
 * if etl-extract is killed by SIGKILL. It leads their process group and waits
 * until a pipe closes that etl-extract holds open.
 * Owns:  the process and the pipe. */
#ifndef EXTRACT_SINGER_GUARD_H
#define EXTRACT_SINGER_GUARD_H

#include "base/errval.h"

#include <sys/types.h>

struct guard {
	pid_t pid;              /* also the process group; 0: not started */
	int pipe;               /* -1: closed */
};

int guard_start(struct guard *g, struct err *e);
/* Kills all processes that are still in the group. */
void guard_end_with_group(struct guard *g);

#endif
