/* When to run: slots at start, start + every and so on, on the monotonic
 * clock, each put off by a random part of jitter. The grid itself never moves.
 * Gives: schedule_next() the time of the first slot that is not over and was
 *        not given before: what a long run passes is left out, none is made
 *        up for. */
#ifndef RUN_SCHEDULE_H
#define RUN_SCHEDULE_H

#include <stdint.h>

struct schedule {
	int64_t start, every, jitter;   /* ms */
	int64_t slot;                   /* the first that may be given */
};

int64_t schedule_next(struct schedule *s, int64_t now);

#endif
