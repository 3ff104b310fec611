/* Copies the stderr of a pipeline to etl-run's own, and keeps its end for the
 * run's row. All stages write to one pipe. A line of an etl program begins with
 * its name ("etl-x: ..."); indented lines after it belong to it. Other lines
 * get the name of the pipeline, because their program is not known. On a
 * terminal, control characters and bytes that are not UTF-8 are escaped, except
 * newline and tab. Never waits: while etl-run's stderr is blocked, nothing is
 * read from the pipeline. */
#ifndef RUN_STDERR_RELAY_H
#define RUN_STDERR_RELAY_H

#include "failure_cause.h"
#include "stderr_tail.h"

#include <poll.h>

enum { RELAY_FDS = 2, RELAY_ROOM = 4096, RELAY_HELD = 64 };

struct relay_to {
	const char *name;       /* of the pipeline */
	struct cause *cause;    /* gets the lines unchanged */
	struct tail *tail;      /* gets the lines with the names of their
				 * programs; or NULL */
};

enum relay_line { LINE_NEW, LINE_OURS, LINE_OTHER };

struct relay {
	int fd;                 /* the pipe, which relay_close() closes; -1: it
				 * is closed */
	struct relay_to to;
	char data[RELAY_ROOM];  /* bytes that were read; at..len are not copied
				 * yet */
	size_t at, len;
	char out[RELAY_ROOM];   /* PIPE_BUF bytes: a writable pipe accepts them
	                         * all; shown..ready is yet to be written */
	size_t shown, ready;
	bool escapes;           /* etl-run's stderr is a terminal */
	char part[4];           /* start of a UTF-8 sequence that is to be
				 * escaped or written when it is complete */
	size_t parts;
	char held[RELAY_HELD];  /* start of a line, until it is known whether an
	                         * etl program wrote it */
	size_t holds;
	enum relay_line line, before;   /* kind of this line and the last one */
};

void relay_open(struct relay *r, int fd, const struct relay_to *to);
void relay_fill_pollfds(const struct relay *r, struct pollfd p[RELAY_FDS]);
void relay_copy_ready(struct relay *r, const struct pollfd p[RELAY_FDS]);
/* Copies the rest of the pipe, but waits only for a limited time. If etl-run's
 * stderr is blocked, the pipe stays open until relay_close(). */
void relay_finish(struct relay *r);
void relay_close(struct relay *r);

#endif
