#include "table/as_of.h"

#include "base/calendar.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define DAY (86400 * SECOND)

struct cursor {
	const char *p, *end;
};

static bool
skip_one_of(struct cursor *c, const char *any)
{
	if (c->p == c->end || *c->p == '\0' || strchr(any, *c->p) == NULL)
		return false;
	c->p++;
	return true;
}

/* Reads a number of exactly `digits` digits that is at most `max`. */
static bool
read_number(struct cursor *c, int digits, int max, int *out)
{
	for (*out = 0; digits > 0; digits--, c->p++) {
		if (c->p == c->end || *c->p < '0' || *c->p > '9')
			return false;
		*out = *out * 10 + (*c->p - '0');
	}
	return *out <= max;
}

static bool
read_date(struct cursor *c, int64_t *time)
{
	int year, month, day;

	if (!read_number(c, 4, 9999, &year) || !skip_one_of(c, "-") ||
	    !read_number(c, 2, 12, &month) || !skip_one_of(c, "-") ||
	    !read_number(c, 2, 31, &day) || year < 1 || month < 1 || day < 1 ||
	    day > calendar_month_days(year, month))
		return false;
	*time = calendar_days(year, month, day) * DAY;
	return true;
}

/* Adds the fraction of a second. Sets *more if a digit after the sixth one is
 * not 0. */
static bool
add_fraction(struct cursor *c, int64_t *time, bool *more)
{
	const char *from = c->p;
	int64_t unit = SECOND;

	for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
		unit /= 10;
		*time += unit * (*c->p - '0');
		*more |= unit == 0 && *c->p != '0';
	}
	return c->p > from;
}

static bool
add_time_of_day(struct cursor *c, int64_t *time, bool *more)
{
	int hour, minute, second = 0;
	int64_t midnight = *time;

	if (!read_number(c, 2, 24, &hour) || !skip_one_of(c, ":") ||
	    !read_number(c, 2, 59, &minute))
		return false;
	if (skip_one_of(c, ":") && !read_number(c, 2, 59, &second))
		return false;
	*time += (hour * 60 + minute) * MINUTE + second * SECOND;
	if (skip_one_of(c, ".,") && !add_fraction(c, time, more))
		return false;
	return *time - midnight <= DAY && !(*more && hour == 24);
}

/* Reads the zone and turns *time into UTC. A time without a zone is in UTC
 * already. */
static bool
apply_zone(struct cursor *c, int64_t *time)
{
	const char *sign;
	int hour, minute = 0;
	int64_t offset;

	(void)skip_one_of(c, " ");
	if (skip_one_of(c, "Zz"))
		return true;
	sign = c->p;
	if (!skip_one_of(c, "+-"))
		return c->p == c->end;
	if (!read_number(c, 2, 23, &hour))
		return false;
	if (c->p < c->end) {
		(void)skip_one_of(c, ":");
		if (!read_number(c, 2, 59, &minute))
			return false;
	}
	offset = (hour * 60 + minute) * MINUTE;
	*time += *sign == '-' ? offset : -offset;
	return true;
}

static bool
read_date_time(struct cursor *c, int64_t *time, bool *more)
{
	if (!read_date(c, time))
		return false;
	if (c->p < c->end && (!skip_one_of(c, "Tt ") ||
	    !add_time_of_day(c, time, more) ||
	    !apply_zone(c, time)))
		return false;
	return c->p == c->end;
}

/* Returns the smallest step of a time with this many digits of the second, in
 * microseconds. */
static int64_t
get_unit(int digits)
{
	int64_t unit = digits == AS_OF_DAYS ? DAY : SECOND;

	for (; digits > 0; digits--)
		unit /= 10;
	return unit;
}

static int64_t
round_down(int64_t time, int64_t unit)
{
	int64_t rest = time % unit;

	return time - (rest < 0 ? rest + unit : rest);
}

static void
write_time(char out[CLOCK_STAMP], int64_t time, int digits)
{
	int64_t of_day = time - round_down(time, DAY);
	struct calendar_date d = calendar_date((time - of_day) / DAY);
	int n = snprintf(out, CLOCK_STAMP, "%04d-%02d-%02d",
	    (int)d.year % 10000, d.month, d.day);
	int second = (int)(of_day / SECOND);

	if (digits != AS_OF_DAYS)
		(void)snprintf(out + n, (size_t)(CLOCK_STAMP - n),
		    "T%02d:%02d:%02d.%06dZ", second / 3600 % 24,
		    second / 60 % 60, second % 60, (int)(of_day % SECOND));
}

bool
as_of_convert(char out[CLOCK_STAMP], const char *p, size_t n, int digits,
    bool lossy, struct as_of_refusal *why)
{
	const int64_t first = calendar_days(1, 1, 1) * DAY;
	const int64_t end = calendar_days(10000, 1, 1) * DAY;
	struct cursor c = { p, p + n };
	int64_t time = 0, whole;
	bool more = false;

	*why = (struct as_of_refusal){ "type", "not a date or time" };
	if (!read_date_time(&c, &time, &more))
		return false;
	whole = round_down(time, get_unit(digits));
	why->code = "range";
	why->message = digits == AS_OF_DAYS ?
	    "the column keeps days, but this is not midnight in UTC" :
	    "the column keeps fewer digits of the second";
	if ((more || whole != time) && !lossy)
		return false;
	why->message = "not in the years 1 to 9999 in UTC";
	if (whole < first || whole >= end)
		return false;
	write_time(out, whole, digits);
	return true;
}

/* Parses a text that write_time() has written. */
static int64_t
parse_time(const char *text)
{
	struct cursor c = { text, text + strlen(text) };
	int64_t time = 0;
	bool more = false;

	(void)read_date_time(&c, &time, &more);
	return time;
}

void
as_of_cut(char text[CLOCK_STAMP], int digits)
{
	write_time(text, round_down(parse_time(text), get_unit(digits)),
	    digits);
}

bool
as_of_next(char text[CLOCK_STAMP], int digits)
{
	int64_t next;

	if (digits == AS_OF_DAYS)
		return true;
	next = parse_time(text) + get_unit(digits);
	if (next >= calendar_days(10000, 1, 1) * DAY)
		return false;
	write_time(text, next, digits);
	return true;
}
