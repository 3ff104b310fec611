#include "module/times.h"

#include "base/instant.h"

#include <string.h>

enum { DAY = 86400 };

struct stamp {
	int64_t year;
	int month, day, hour, minute, second;
	const char *fraction;           /* with its dot */
	size_t fraction_len;
	bool has_offset;
	int offset;                     /* seconds east */
};

/* Parses a number of exactly `digits` decimal digits and moves *p after
 * them. */
static bool
parse_digits(const char **p, const char *end, int digits, int *v)
{
	*v = 0;
	for (; digits > 0; digits--) {
		if (*p == end || **p < '0' || **p > '9')
			return false;
		*v = *v * 10 + (*(*p)++ - '0');
	}
	return true;
}

/* If the character at *p is one of the characters of `any`, moves *p after it
 * and returns true. */
static bool
skip_one_of(const char **p, const char *end, const char *any)
{
	if (*p == end || strchr(any, **p) == NULL || **p == '\0')
		return false;
	(*p)++;
	return true;
}

static bool
parse_date(const char **p, const char *end, struct stamp *s)
{
	int year;

	if (!parse_digits(p, end, 4, &year) || !skip_one_of(p, end, "-") ||
	    !parse_digits(p, end, 2, &s->month) || !skip_one_of(p, end, "-") ||
	    !parse_digits(p, end, 2, &s->day))
		return false;
	s->year = year;
	return true;
}

static bool
parse_clock(const char **p, const char *end, struct stamp *s)
{
	if (!parse_digits(p, end, 2, &s->hour) || !skip_one_of(p, end, ":") ||
	    !parse_digits(p, end, 2, &s->minute) || !skip_one_of(p, end, ":") ||
	    !parse_digits(p, end, 2, &s->second))
		return false;
	s->fraction = *p;
	if (skip_one_of(p, end, ".")) {
		while (*p < end && **p >= '0' && **p <= '9')
			(*p)++;
		if (*p == s->fraction + 1)
			return false;
	}
	s->fraction_len = (size_t)(*p - s->fraction);
	return true;
}

/* Parses a date, a time of day and an offset. The offset may be missing. */
static bool
parse_stamp(const char *p, size_t n, struct stamp *s)
{
	const char *end = p + n;

	*s = (struct stamp){ .year = 0 };
	if (!parse_date(&p, end, s) || !skip_one_of(&p, end, "Tt ") ||
	    !parse_clock(&p, end, s))
		return false;
	if (p == end)
		return true;
	if (*p == ' ')
		p++;
	s->has_offset = true;
	return utc_offset_parse(p, (size_t)(end - p), &s->offset);
}

static int
set_fault(struct times_fault *f, const char *code, const char *why)
{
	*f = (struct times_fault){ code, why };
	return -1;
}

static int
check_ranges(const struct stamp *s, struct times_fault *f)
{
	if (s->month < 1 || s->month > 12 || s->day < 1 ||
	    s->day > calendar_month_days(s->year, s->month))
		return set_fault(f, "range", "this day does not exist");
	if (s->hour > 23 || s->minute > 59 || s->second > 60)
		return set_fault(f, "range", "this time of day does not exist");
	return 0;
}

/* Converts the local time s to UTC. Uses the offset of s or, if s has none, the
 * offset of the zone. UTC seconds since 1970 do not count leap seconds. So a
 * leap second (23:59:60) is converted as 23:59:59, and 1 is added to the second
 * of the result. */
static int
convert_to_utc(struct stamp *s, const struct zone *zone, struct times_fault *f)
{
	struct calendar_date date;
	bool leaping = s->second == 60;
	int64_t t = calendar_days(s->year, s->month, s->day) * DAY +
	    s->hour * INT64_C(3600) + s->minute * INT64_C(60) +
	    s->second - leaping;
	int64_t days, rest;

	t -= s->has_offset ? s->offset : zone_local_offset(zone, t);
	days = (t >= 0 ? t : t - (DAY - 1)) / DAY;
	rest = t - days * DAY;
	date = calendar_date(days);
	s->year = date.year;
	s->month = date.month;
	s->day = date.day;
	s->hour = (int)(rest / 3600);
	s->minute = (int)(rest / 60 % 60);
	s->second = (int)(rest % 60) + leaping;
	if (leaping && (rest != DAY - 1 ||
	    s->day != calendar_month_days(s->year, s->month)))
		return set_fault(f, "range",
		    "second 60: a leap second can only be "
		    "the last second of a month in UTC");
	if (s->year < 1 || s->year > 9999)
		return set_fault(f, "range",
		    "its year in UTC is not from 1 to 9999");
	return 0;
}

static void
write_digits(char *p, int digits, int v)
{
	for (; digits > 0; v /= 10)
		p[--digits] = (char)('0' + v % 10);
}

/* Writes the digits without snprintf(3), which takes ten times as long. */
static void
append_time(struct buf *b, const struct stamp *s)
{
	char text[] = "YYYY-MM-DDTHH:MM:SS";

	write_digits(text, 4, (int)s->year);
	write_digits(text + 5, 2, s->month);
	write_digits(text + 8, 2, s->day);
	write_digits(text + 11, 2, s->hour);
	write_digits(text + 14, 2, s->minute);
	write_digits(text + 17, 2, s->second);
	buf_add(b, text, sizeof(text) - 1);
	buf_add(b, s->fraction, s->fraction_len);
	buf_char(b, 'Z');
}

int
times_put_utc(struct buf *b, const char *p, size_t n, const struct zone *zone,
    struct times_fault *f)
{
	struct stamp s;

	if (!parse_stamp(p, n, &s))
		return set_fault(f, "type", "not a time of RFC 3339, such as "
		    "2021-01-01T12:00:00Z");
	if (!s.has_offset && zone == NULL)
		return set_fault(f, "type",
		    "the time has no offset: give its time zone, as in "
		    "to_timestamp(\"UTC\")");
	if (check_ranges(&s, f) == -1 || convert_to_utc(&s, zone, f) == -1)
		return -1;
	append_time(b, &s);
	return 0;
}

static bool
parse_two_digits(const char *p, int *v)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*v = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

bool
utc_offset_parse(const char *p, size_t n, int *seconds)
{
	int hours, minutes = 0;

	*seconds = 0;
	if (n == 1)
		return *p == 'Z' || *p == 'z';
	if ((n != 3 && n != 5 && n != 6) || (p[0] != '+' && p[0] != '-') ||
	    !parse_two_digits(p + 1, &hours) || (n == 6 && p[3] != ':') ||
	    (n > 3 && !parse_two_digits(p + n - 2, &minutes)))
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (p[0] == '-' ? -1 : 1);
	return hours < 24 && minutes < 60;
}

void
now_text_init(struct now_text *n)
{
	n->second = -1;
}

void
now_text_update(struct now_text *n)
{
	struct timespec t;
	char *digit = n->text + CLOCK_STAMP - 2;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (t.tv_sec != n->second) {
		clock_stamp(n->text);
		n->second = t.tv_sec;
	}
	t.tv_nsec /= 1000;
	for (int i = 0; i < 6; i++, t.tv_nsec /= 10)
		*--digit = (char)('0' + t.tv_nsec % 10);
}
