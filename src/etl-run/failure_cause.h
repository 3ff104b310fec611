/* Finds in the stderr of a pipeline the line that says why it failed.
 * Owns:  its texts; cause_release() frees them.
 * Gives: cause_first() the first failure of an etl program ("etl-x: ...", no
 *        warning) with the indented lines after it; if that program repeats
 *        the failure of another stage, the line of that stage. cause_last()
 *        the last line of all. Control characters are escaped, and the
 *        length is limited. */
#ifndef RUN_FAILURE_CAUSE_H
#define RUN_FAILURE_CAUSE_H

#include "base/buf.h"

struct cause {
	struct buf line;        /* the part of a line that was read */
	struct buf first, last;
	struct buf words;       /* last line of another program before first */
	bool more;              /* an indented line now belongs to first */
};

void cause_init(struct cause *c);
void cause_release(struct cause *c);
void cause_add(struct cause *c, const char *p, size_t n);
void cause_end(struct cause *c);        /* the last line may lack its LF */
const char *cause_first(struct cause *c);       /* "" if there is none */
const char *cause_last(struct cause *c);
/* If the first failure is a stream that was cut off, another program may have
 * died: the last line that another program printed before it. Else "". */
const char *cause_other_program_line_if_cut(struct cause *c);

#endif
