/* Limits the time of an answer (--timeout): the time spent waiting for the
 * server plus the processor time of this program. So an answer that comes fast
 * and never ends reaches the limit too. The time during which the output of
 * this program is blocked does not count.
 * Fails: time_limit_check(), transient. */
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

/* Starts the time of a new answer at 0. */
void time_limit_restart(struct time_limit *t, uint64_t limit_ms);
/* Adds the processor time since the last call of one of these functions. */
void time_limit_add_work(struct time_limit *t);
/* Adds the milliseconds since `since`, a time of clock_ms(). The processor time
 * of this period does not count in addition. */
void time_limit_add_wait(struct time_limit *t, int64_t since);
/* Sets *left to the milliseconds that are left. Fails if the time is over, or
 * if a stop signal has come. */
int time_limit_check(const struct time_limit *t, int64_t *left, struct err *e);

#endif
