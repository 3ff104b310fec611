/* Keeps the last lines that a pipeline wrote to stderr, for the run's row.
 * Owns:  its text; tail_release() frees it.
 * Gives: tail_put_escaped() appends at most the last 64 KiB, in whole lines. If
 *        the last line is longer, it appends the end of this line. Control
 *        characters except tabs and bytes that are not UTF-8 are escaped. */
#ifndef RUN_STDERR_TAIL_H
#define RUN_STDERR_TAIL_H

#include "base/buf.h"

struct tail {
	struct buf text;
	bool cut;               /* text before this one was dropped */
};

void tail_init(struct tail *t);
void tail_release(struct tail *t);
void tail_add(struct tail *t, const char *p, size_t n);
void tail_put_escaped(struct buf *b, const struct tail *t);

#endif
