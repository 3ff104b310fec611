/* What the pipeline said on stderr: why did it fail?
 * Owns:  its texts; cause_release() frees them.
 * Gives: the first line "etl-x: what: why" (no warning; where a stage repeats
 *        another one's, that one's own), with the indented lines after it;
 *        else the last line; else "". All are shown as text_show() does,
 *        bounded, whatever came. */
#ifndef RUN_FAILURE_CAUSE_H
#define RUN_FAILURE_CAUSE_H

#include "base/buf.h"

struct cause {
	struct buf line;        /* as far as it has come */
	struct buf first, last;
	struct buf words;       /* of others, before first */
	bool more;              /* the line before belongs to first */
};

void cause_init(struct cause *c);
void cause_release(struct cause *c);
void cause_add(struct cause *c, const char *p, size_t n);
void cause_end(struct cause *c);                /* a line without LF counts */
const char *cause_first(struct cause *c);       /* "" where there is none */
const char *cause_last(struct cause *c);
/* Where the first is that a stream was cut off, the program that died is none
 * of ours: what others said last before it, else "". */
const char *cause_words(struct cause *c);

#endif
