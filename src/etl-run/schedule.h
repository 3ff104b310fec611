/* The start times of --every: start, start + every, start + 2 every and so on,
 * on the monotonic clock, each delayed by a random time of at most jitter.
 * Gives: schedule_next() returns the next start time. Start times that passed
 *        during a long run are skipped; the run is not repeated for them. */
#ifndef RUN_SCHEDULE_H
#define RUN_SCHEDULE_H

#include <stdint.h>

struct schedule {
	int64_t start, every, jitter;   /* ms */
	int64_t slot;                   /* the number of the next start time */
};

int64_t schedule_next(struct schedule *s, int64_t now);

#endif
