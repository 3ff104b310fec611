/* How much time an answer has taken: the time that was waited for the server,
 * and the processor time of this program. So an answer that comes fast and has
 * no end reaches the limit too, but the time does not count in which the output
 * of this program is blocked.
 * Fails: time_limit_check() is transient. */
#ifndef EXTRACT_TIME_LIMIT_H
#define EXTRACT_TIME_LIMIT_H

#include "base/errval.h"

#include <stdint.h>

struct time_limit {
	int64_t limit;          /* ms */
	int64_t waited;         /* ms */
	int64_t worked;         /* us of processor time */
	int64_t cpu_before;     /* us, at the last call */
};

/* Starts with a new answer. */
void time_limit_restart(struct time_limit *t, uint64_t limit_ms);
/* Adds the processor time since the last call. */
void time_limit_add_work(struct time_limit *t);
/* Adds the ms since the time `since` of clock_ms(); in it, processor time does
 * not count once more. */
void time_limit_add_wait(struct time_limit *t, int64_t since);
/* Sets *left to the ms that are left. Fails if there are none, or if a stop
 * signal has come. */
int time_limit_check(
    const struct time_limit *t, int64_t *left, struct err *e);

#endif
