#include "dlq.h"

#include "base/opt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void
stamp_put(char out[CLOCK_STAMP], time_t at, unsigned micros)
{
	struct tm tm;
	size_t n;

	(void)gmtime_r(&at, &tm);
	n = strftime(out, CLOCK_STAMP, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, CLOCK_STAMP - n, ".%06uZ", micros % 1000000);
}

/* ".5" as microseconds; digits after the sixth are dropped. */
static const char *
fraction_take(const char *p, unsigned *micros)
{
	unsigned unit = 100000;

	*micros = 0;
	if (*p != '.')
		return p;
	while (*++p >= '0' && *p <= '9') {
		*micros += unit * (unsigned)(*p - '0');
		unit /= 10;
	}
	return p;
}

/* "Z", "+02:00" as seconds east; -1 where it is none. */
static int
zone_take(const char *p, long *east)
{
	int h, m, end = 0;

	*east = 0;
	if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
		return 0;
	if ((*p != '+' && *p != '-') || strspn(p + 1, "0123456789:") != 5 ||
	    sscanf(p + 1, "%2d:%2d%n", &h, &m, &end) != 2 || end != 5 ||
	    p[6] != '\0' || h > 23 || m > 59)
		return -1;
	*east = (h * 60L + m) * 60;
	if (*p == '-')
		*east = -*east;
	return 0;
}

static int
date_parse(char out[CLOCK_STAMP], const char *text)
{
	struct tm tm = { 0 }, day;
	const char *p = strptime(text, "%Y-%m-%d", &tm);
	unsigned micros = 0;
	long east = 0;

	if (p == NULL || p - text != 10)
		return -1;
	day = tm;
	(void)timegm(&day);
	if (day.tm_mday != tm.tm_mday)
		return -1;      /* the 30th of February */
	if (*p != '\0') {
		if (strchr("Tt ", *p) == NULL ||
		    (p = strptime(p + 1, "%H:%M:%S", &tm)) == NULL)
			return -1;
		p = fraction_take(p, &micros);
		if (zone_take(p, &east) == -1)
			return -1;
	}
	stamp_put(out, timegm(&tm) - east, micros);
	return 0;
}

void
when_ago(char out[CLOCK_STAMP], uint64_t ms)
{
	struct timespec now = { 0, 0 };
	int64_t then;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	then = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	then = ms < (uint64_t)then ? then - (int64_t)ms : 0;
	stamp_put(out, then / 1000, (unsigned)(then % 1000) * 1000);
}

int
when_parse(char out[CLOCK_STAMP], const char *option, const char *text,
    struct err *e)
{
	uint64_t ago;

	if (duration_parse(&ago, text) == 0) {
		when_ago(out, ago);
		return 0;
	}
	if (date_parse(out, text) == 0)
		return 0;
	return err_set(e, ERR_USAGE, false, "%s %s: wants a time such as "
	    "2026-05-30, 2026-05-30T12:00:00Z or 2d", option, text);
}
