#include "base/instant.h"

#include "base/text.h"

#include <stdbool.h>
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

/* MARCH_0000 is the number of days from 0000-03-01 to 1970-01-01. DAYS_N is the
 * number of days in N years. */
enum {
	MARCH_0000 = 719468, DAYS_400 = 146097, DAYS_100 = 36524, DAYS_4 = 1460,
	DAYS_1 = 365
};

static bool
is_leap_year(int64_t y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

int
calendar_month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
	    31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap_year(year));
}

int64_t
calendar_days(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * DAYS_400 + of_era * DAYS_1 + of_era / 4 - of_era / 100 +
	    of_year - MARCH_0000;
}

struct calendar_date
calendar_date(int64_t days)
{
	struct calendar_date d;
	int64_t n = days + MARCH_0000;
	int64_t era = (n >= 0 ? n : n - (DAYS_400 - 1)) / DAYS_400;
	int64_t of_era = n - era * DAYS_400;
	int64_t year = (of_era - of_era / DAYS_4 + of_era / DAYS_100 -
	    of_era / (DAYS_400 - 1)) / DAYS_1;
	int64_t of_year = of_era - (DAYS_1 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	d.day = (int)(of_year - (153 * month + 2) / 5 + 1);
	d.month = (int)(month < 10 ? month + 3 : month - 9);
	d.year = year + era * 400 + (d.month <= 2);
	return d;
}
