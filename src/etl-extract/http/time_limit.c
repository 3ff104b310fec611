#include "http/time_limit.h"

#include "base/clock.h"
#include "base/stop.h"
#include "stdout_reader.h"

#include <time.h>

static int64_t
cpu_time_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
time_limit_restart(struct time_limit *t, uint64_t limit_ms)
{
	t->limit = (int64_t)limit_ms;
	t->waited = t->worked = 0;
	t->cpu_before = cpu_time_us();
}

void
time_limit_add_work(struct time_limit *t)
{
	const int64_t now = cpu_time_us();

	t->worked += now - t->cpu_before;
	t->cpu_before = now;
}

void
time_limit_add_wait(struct time_limit *t, int64_t since)
{
	t->waited += clock_ms() - since;
	t->cpu_before = cpu_time_us();
}

int
time_limit_check(const struct time_limit *t, int64_t *left, struct err *e)
{
	*left = t->limit - t->waited - t->worked / 1000;
	if (stop_signal() != 0)
		return fail_interrupted(e);
	return *left > 0 ? 0 : err_set(e, ERR_RETRY, true, "timed out: the "
	    "answer did not come within --timeout, which is %lld ms",
	    (long long)t->limit);
}
