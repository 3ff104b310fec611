#include "http/pace.h"

#include "base/clock.h"
#include "http/retry_after.h"
#include "stdout_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_MOST = 1000000 };

/* Returns the microseconds between two requests, or 0 if the text is not a rate
 * such as 2/s or 100/m. */
static int64_t
parse_rate(const char *text)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		{ "/s", 1000000 }, { "/m", INT64_C(60) * 1000000 },
		{ "/h", INT64_C(3600) * 1000000 },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t n = digits == 0 || digits > 9 ? 0 :
	    strtoull(text, NULL, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].name) == 0 && n > 0 &&
		    n <= RATE_MOST)
			return (units[i].us + (int64_t)n - 1) / (int64_t)n;
	return 0;
}

int
pace_init(struct pace *p, const struct extract_opts *o, struct err *e)
{
	*p = (struct pace){ .o = o };
	if (o->rate != NULL && (p->interval_us = parse_rate(o->rate)) == 0)
		return err_set(e, ERR_USAGE, false, "--rate %s: it must be a "
		    "number of requests from 1 to %d and a unit: N/s, N/m or "
		    "N/h", o->rate, RATE_MOST);
	if (o->max_time != 0)
		p->end = clock_ms() + (int64_t)o->max_time;
	return 0;
}

/* Fails if --max-time will be over in ms milliseconds. */
static int
check_time_left(struct pace *p, int64_t ms, struct err *e)
{
	if (p->end == 0 || clock_ms() + ms < p->end)
		return 0;
	p->is_over = true;
	return err_set(e, ERR_RETRY, true, "stopped by --max-time before all "
	    "records were read: run the command again, or give a longer time");
}

int
pace_check(struct pace *p, struct err *e)
{
	return check_time_left(p, 0, e);
}

int
pace_wait(struct pace *p, int64_t ms, struct err *e)
{
	return check_time_left(p, ms, e) == -1 ? -1 : sleep_watching(ms, e);
}

int
pace_wait_turn(struct pace *p, struct err *e)
{
	int64_t now = clock_ms() * 1000, wait_us = p->next_us - now;

	if (wait_us < 0 || p->next_us == 0)
		wait_us = 0;
	p->next_us = now + wait_us + p->interval_us;
	if (pace_wait(p, (wait_us + 999) / 1000, e) == -1)
		return -1;
	now = clock_ms() * 1000;        /* the wait may have been longer */
	if (p->next_us < now + p->interval_us)
		p->next_us = now + p->interval_us;
	return 0;
}

void
pace_note_quota(struct pace *p, const struct http_answer *a)
{
	int64_t age = http_answer_age(a);
	int64_t wait = rate_limit_wait_ms(a, time(NULL) - age / 1000);
	int64_t at = clock_ms() - age + wait;

	if (wait > 0 && at > p->quota_at)
		p->quota_at = at;
}

int64_t
pace_turn_ms(const struct pace *p)
{
	const int64_t now = clock_ms();
	int64_t ms = (p->next_us + 999) / 1000 - now;

	if (ms < p->quota_at - now)
		ms = p->quota_at - now;
	return ms < 0 ? 0 : ms;
}

void
pace_set_next_turn(struct pace *p)
{
	p->next_us = clock_ms() * 1000 + p->interval_us;
}

uint64_t
pace_timeout(const struct pace *p)
{
	int64_t left = p->end == 0 ? INT64_MAX : p->end - clock_ms();

	if (left < 1)
		left = 1;
	return p->o->timeout < (uint64_t)left ? p->o->timeout : (uint64_t)left;
}
