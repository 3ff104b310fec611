/* Finds in the stderr of a pipeline the line that says why it failed. Control
 * characters are escaped, and the length is limited.
 * Owns:  its texts; cause_release() frees them.
 * Gives: cause_first() returns the first error message of an etl program
 *        ("etl-x: ...", no warning) and the indented lines after it. If this
 *        only repeats the message of another etl program, it returns the
 *        message of that program. cause_last() returns the last line. */
#ifndef RUN_FAILURE_CAUSE_H
#define RUN_FAILURE_CAUSE_H

#include "base/buf.h"

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
void cause_examine(struct cause *c, const char *p, size_t n);
/* For a last line without an LF. */
void cause_end_line(struct cause *c);
const char *cause_first(struct cause *c);       /* "" if there is none */
const char *cause_last(struct cause *c);
/* If the first error message says that a stream was cut off, a program that is
 * not etl's may have died. Returns the last line that such a program printed
 * before this message. Returns "" in all other cases. */
const char *cause_other_line(struct cause *c);

#endif
