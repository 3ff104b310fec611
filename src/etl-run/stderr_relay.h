/* The pipeline's stderr: shown on ours as it comes, each line with the stage
 * that it came from, and kept for the run's row. All stages share one pipe, so
 * a line says itself who speaks ("etl-x: ..."); others, which cannot be told
 * apart, get the pipeline's name. Lines below one of ours that begin with a
 * blank belong to it.
 * Never waits: a stderr of ours that is stuck holds the pipeline's writers. */
#ifndef RUN_STDERR_RELAY_H
#define RUN_STDERR_RELAY_H

#include "failure_cause.h"
#include "stderr_tail.h"

#include <poll.h>

enum { RELAY_FDS = 2, RELAY_ROOM = 4096, RELAY_HELD = 64 };

struct relay_to {
	const char *name;       /* of the pipeline */
	struct cause *cause;
	struct tail *tail;      /* NULL: not kept */
};

enum relay_line { LINE_NEW, LINE_OURS, LINE_OTHER };

struct relay {
	int fd;                 /* -1: over; relay_close() closes it */
	struct relay_to to;
	char data[RELAY_ROOM];  /* as it was read */
	size_t at, len;
	char out[RELAY_ROOM];   /* PIPE_BUF: a writable pipe takes it whole */
	size_t shown, ready;
	char held[RELAY_HELD];  /* of a line that may become one of ours */
	size_t holds;
	enum relay_line line, before;
};

void relay_open(struct relay *r, int fd, const struct relay_to *to);
void relay_want(const struct relay *r, struct pollfd p[RELAY_FDS]);
void relay_move(struct relay *r, const struct pollfd p[RELAY_FDS]);
void relay_drain(struct relay *r);      /* what is there, then no more */
void relay_close(struct relay *r);

#endif
