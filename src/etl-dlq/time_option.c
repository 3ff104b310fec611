#include "dlq.h"

#include "base/opt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void
format_stamp(char out[CLOCK_STAMP], time_t at, unsigned micros)
{
	struct tm tm;
	size_t n;

	(void)gmtime_r(&at, &tm);
	n = strftime(out, CLOCK_STAMP, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + n, CLOCK_STAMP - n, ".%06uZ", micros % 1000000);
}

/* Reads a fraction such as ".5" as microseconds; ignores digits after the
 * sixth. */
static const char *
read_fraction(const char *p, unsigned *micros)
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

/* Reads "Z" or "+02:00" as seconds east of UTC; -1 if it is neither. */
static int
read_zone(const char *p, long *east)
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
parse_date(char out[CLOCK_STAMP], const char *text)
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
		p = read_fraction(p, &micros);
		if (read_zone(p, &east) == -1)
			return -1;
	}
	format_stamp(out, timegm(&tm) - east, micros);
	return 0;
}

void
put_time_ago(char out[CLOCK_STAMP], uint64_t ms)
{
	struct timespec now = { 0, 0 };
	int64_t then;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	then = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	then = ms < (uint64_t)then ? then - (int64_t)ms : 0;
	format_stamp(out, then / 1000, (unsigned)(then % 1000) * 1000);
}

int
time_option_parse(char out[CLOCK_STAMP], const char *option, const char *text,
    struct err *e)
{
	uint64_t ago;

	if (duration_parse(&ago, text) == 0) {
		put_time_ago(out, ago);
		return 0;
	}
	if (parse_date(out, text) == 0)
		return 0;
	return err_set(e, ERR_USAGE, false, "%s %s: the value must be a time "
	    "such as 2026-05-30, 2026-05-30T12:00:00Z or 2d", option, text);
}
