/* The pipeline's stderr: shown on ours as it comes, and read for the cause.
 * Never waits: a stderr of ours that is stuck holds the pipeline's writers,
 * as it would without us, but not this process.
 * Owns:  fd, the end we read; relay_close() closes it. */
#ifndef RUN_RELAY_H
#define RUN_RELAY_H

#include "cause.h"

#include <poll.h>

enum { RELAY_FDS = 2, RELAY_ROOM = 4096 };

struct relay {
	int fd;                 /* -1: over */
	struct cause *cause;
	char data[RELAY_ROOM];  /* PIPE_BUF: a writable pipe takes it whole */
	size_t at, len;         /* not shown yet */
};

void relay_open(struct relay *r, int fd, struct cause *c);
void relay_want(const struct relay *r, struct pollfd p[RELAY_FDS]);
void relay_move(struct relay *r, const struct pollfd p[RELAY_FDS]);
void relay_drain(struct relay *r);      /* what is there, then no more */
void relay_close(struct relay *r);

#endif
