/* Copies the stderr of a pipeline to etl-run's own, and keeps its end for the
 * run's row. All stages write to one pipe. A line of an etl program begins with
 * its name ("etl-x: ..."); indented lines after it belong to it. Other lines
 * get the name of the pipeline, because their program is not known. On a
 * terminal, control characters and bytes that are not UTF-8 are escaped, except
 * newline and tab. Never waits: while etl-run's stderr is blocked, nothing is
 * read from the pipeline. */
#ifndef RUN_STDERR_H
#define RUN_STDERR_H

#include "base/buf.h"

#include <poll.h>

/* Finds in the stderr of a pipeline the line that says why it failed. Control
 * characters are escaped, and the length is limited.
 * Owns:  its texts; cause_release() frees them.
 * Gives: cause_first() returns the first error message of an etl program
 *        ("etl-x: ...", no warning) and the indented lines after it. If this
 *        only repeats the message of another etl program, it returns the
 *        message of that program. cause_last() returns the last line. */

struct cause {
	struct buf line;        /* the part of a line that was read */
	struct buf first, last;
	struct buf words;       /* the last line of a program that is not etl's
				 * before `first` */
	bool more;              /* if the next line is indented, it belongs to
				 * `first` */
};

void cause_init(struct cause *c);
void cause_release(struct cause *c);
const char *cause_first(struct cause *c);       /* "" if there is none */
const char *cause_last(struct cause *c);
/* If the first error message says that a stream was cut off, a program that is
 * not etl's may have died. Returns the last line that such a program printed
 * before this message. Returns "" in all other cases. */
const char *cause_other_line(struct cause *c);

/* Keeps the last lines that a pipeline wrote to stderr, for the run's row.
 * Owns:  its text; tail_release() frees it.
 * Gives: tail_put_escaped() appends at most the last 64 KiB, in whole lines. If
 *        the last line is longer, it appends the end of this line. Control
 *        characters except tabs and bytes that are not UTF-8 are escaped. */

struct tail {
	struct buf text;
	bool cut;               /* text before this one was dropped */
};

void tail_init(struct tail *t);
void tail_release(struct tail *t);
void tail_put_escaped(struct buf *b, const struct tail *t);

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
