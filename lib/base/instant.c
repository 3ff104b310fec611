#include "base/instant.h"

#include "base/calendar.h"
#include "base/text.h"

#include <string.h>

enum { DAY = 86400 };

/* True if the text begins like the pattern, in which a 0 matches any digit, for
 * example "0000-00-00". */
static bool
begins_like(const char *p, size_t n, const char *pattern)
{
	size_t i;

	for (i = 0; pattern[i] != '\0'; i++)
		if (i >= n || (pattern[i] == '0' ? p[i] < '0' || p[i] > '9' :
		    pattern[i] != p[i]))
			return false;
	return true;
}

static int
parse_two_digits(const char *p)
{
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/* Parses the date and the time of day, without the fraction and the offset. */
static bool
parse_date_time(struct instant *t, const char *p, size_t n)
{
	int year, month, day, hour, minute, second;

	if (!begins_like(p, n, "0000-00-00") || n < 20 ||
	    (p[10] != 'T' && p[10] != 't' && p[10] != ' ') ||
	    !begins_like(p + 11, n - 11, "00:00:00"))
		return false;
	year = parse_two_digits(p) * 100 + parse_two_digits(p + 2);
	month = parse_two_digits(p + 5);
	day = parse_two_digits(p + 8);
	hour = parse_two_digits(p + 11);
	minute = parse_two_digits(p + 14);
	second = parse_two_digits(p + 17);
	if (month < 1 || month > 12 || day < 1 ||
	    day > calendar_month_days(year, month) || hour > 23 ||
	    minute > 59 || second > 60)
		return false;
	t->is_leap = second == 60;
	second += hour * 3600 + minute * 60 - t->is_leap;
	t->seconds = calendar_days(year, month, day) * DAY + second;
	return true;
}

/* Parses the UTC offset at the end of a time, such as "+01:00" or "Z", and
 * subtracts it from t. Returns false if it is not valid. */
static bool
parse_offset(struct instant *t, const char *p, size_t n)
{
	if (n == 1 && (*p == 'Z' || *p == 'z'))
		return true;
	if (n != 6 || (!begins_like(p, n, "+00:00") &&
	    !begins_like(p, n, "-00:00")))
		return false;
	t->east = parse_two_digits(p + 1) * 3600 + parse_two_digits(p + 4) * 60;
	if (parse_two_digits(p + 1) > 23 || parse_two_digits(p + 4) > 59)
		return false;
	if (*p == '-')
		t->east = -t->east;
	t->seconds -= t->east;
	return true;
}

bool
instant_parse(struct instant *t, const char *p, size_t n)
{
	size_t at = 19, k;

	*t = (struct instant){ .tail = at };
	if (!parse_date_time(t, p, n))
		return false;
	if (p[at] == '.') {
		if ((k = text_count_digits(p + at + 1, n - at - 1)) == 0)
			return false;
		t->fraction = p + at + 1;
		for (t->digits = k; t->digits > 0 &&
		    t->fraction[t->digits - 1] == '0'; t->digits--)
			continue;
		at += k + 1;
	}
	/* A leap second is always the last second of a day in UTC. */
	return parse_offset(t, p + at, n - at) &&
	    (!t->is_leap || (t->seconds % DAY + DAY) % DAY == DAY - 1);
}

/* If one fraction is the start of the other, the longer one is greater:
 * instant_parse() has removed the zeros at the end of both. */
static int
compare_fractions(const struct instant *a, const struct instant *b)
{
	size_t n = a->digits < b->digits ? a->digits : b->digits;
	int c = n == 0 ? 0 : memcmp(a->fraction, b->fraction, n);

	return c != 0 ? c : (a->digits > b->digits) - (a->digits < b->digits);
}

int
instant_compare(const struct instant *a, const struct instant *b)
{
	if (a->seconds != b->seconds)
		return a->seconds < b->seconds ? -1 : 1;
	if (a->is_leap != b->is_leap)
		return a->is_leap ? 1 : -1;
	return compare_fractions(a, b);
}
