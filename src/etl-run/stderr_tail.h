/* The end of what a run's stages said on stderr, for its row.
 * Owns:  its text; tail_release() frees it.
 * Gives: tail_put() whole lines, the last 64 KiB of them at most (of a longer
 *        line its end), shown as text_show() does, but for tabs: valid UTF-8
 *        without NUL or escape sequences, whatever came. */
#ifndef RUN_STDERR_TAIL_H
#define RUN_STDERR_TAIL_H

#include "base/buf.h"

struct tail {
	struct buf text;
	bool cut;               /* what came before is gone */
};

void tail_init(struct tail *t);
void tail_release(struct tail *t);
void tail_add(struct tail *t, const char *p, size_t n);
void tail_put(struct buf *b, const struct tail *t);

#endif
