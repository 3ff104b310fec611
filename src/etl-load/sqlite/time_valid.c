#include "sqlite/sqlite_value.h"

#include "base/calendar.h"

#include <string.h>

struct cursor {
	const char *p, *end;
};

static bool
skip_one_of(struct cursor *c, const char *any)
{
	for (; *any != '\0'; any++)
		if (c->p < c->end && *c->p == *any) {
			c->p++;
			return true;
		}
	return false;
}

/* Skips a number of exactly `digits` digits. Returns false if there is no such
 * number, or if it is less than min or greater than max. */
static bool
skip_number(struct cursor *c, int digits, int min, int max)
{
	int v = 0;

	for (; digits > 0; digits--, c->p++) {
		if (c->p == c->end || *c->p < '0' || *c->p > '9')
			return false;
		v = v * 10 + (*c->p - '0');
	}
	return v >= min && v <= max;
}

static bool
skip_date(struct cursor *c)
{
	const char *p = c->p;
	int year, month, day;

	if (!skip_number(c, 4, 0, 9999) || !skip_one_of(c, "-") ||
	    !skip_number(c, 2, 1, 12) || !skip_one_of(c, "-") ||
	    !skip_number(c, 2, 1, 31))
		return false;
	year = (p[0] - '0') * 1000 + (p[1] - '0') * 100 +
	    (p[2] - '0') * 10 + (p[3] - '0');
	month = (p[5] - '0') * 10 + (p[6] - '0');
	day = (p[8] - '0') * 10 + (p[9] - '0');
	return day <= calendar_month_days(year, month);
}

/* With the hour 24 only 24:00:00 is a valid time. True if the hour is 24 and a
 * later digit is not 0. */
static bool
is_after_24_00_00(const char *p, const char *end)
{
	bool late = memcmp(p, "24", 2) == 0, more = false;

	for (p += 2; p < end; p++)
		more |= *p >= '1' && *p <= '9';
	return late && more;
}

static bool
skip_time(struct cursor *c)
{
	const char *start = c->p;

	if (!skip_number(c, 2, 0, 24) || !skip_one_of(c, ":") ||
	    !skip_number(c, 2, 0, 59))
		return false;
	if (skip_one_of(c, ":")) {
		if (!skip_number(c, 2, 0, 60))
			return false;
		if (skip_one_of(c, ".,") && !skip_number(c, 1, 0, 9))
			return false;
		while (skip_one_of(c, "0123456789"))
			continue;
	}
	if (is_after_24_00_00(start, c->p))
		return false;
	(void)skip_one_of(c, " ");
	if (skip_one_of(c, "Zz") || !skip_one_of(c, "+-"))
		return true;
	if (!skip_number(c, 2, 0, 23))
		return false;
	if (c->p == c->end)
		return true;
	(void)skip_one_of(c, ":");
	return skip_number(c, 2, 0, 59);
}

bool
is_valid_time(const char *p, size_t n)
{
	struct cursor c = { p, p + n };

	if (n > 2 && p[2] == ':')
		return skip_time(&c) && c.p == c.end;
	if (!skip_date(&c))
		return false;
	return c.p == c.end || (skip_one_of(&c, "Tt ") && skip_time(&c) &&
	    c.p == c.end);
}
