#include "pg/pg_time_binary.h"

enum { DATE_LEN = 10, TIME_LEN = 8, FRACTION_DIGITS = 6, ZONE_LEN = 6 };
#define SECOND INT64_C(1000000)

/* Returns the number, or -1 unless all n characters are digits. */
static int
read_digits(const char *p, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
	    31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (leap && month == 2);
}

/* Returns the days from 2000-01-01 to the date. The calculation lets each year
 * begin on the first of March, so that a leap day is the last day of its
 * year. */
static int64_t
days_since_2000(int year, int month, int day)
{
	enum { TO_2000 = 730425 };      /* from 0000-03-01 to 2000-01-01 */
	int y = month > 2 ? year : year - 1;
	int m = month > 2 ? month - 3 : month + 9;

	return INT64_C(365) * y + y / 4 - y / 100 + y / 400 +
	    (153 * m + 2) / 5 + day - 1 - TO_2000;
}

static bool
read_date(const char *p, int64_t *days)
{
	int year = read_digits(p, 4), month = read_digits(p + 5, 2);
	int day = read_digits(p + 8, 2);

	if (p[4] != '-' || p[7] != '-' || year < 1 || month < 1 ||
	    month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	*days = days_since_2000(year, month, day);
	return true;
}

bool
pg_date_to_days(const char *p, size_t n, int64_t *days)
{
	return n == DATE_LEN && read_date(p, days);
}

static bool
read_time_of_day(const char *p, int64_t *seconds)
{
	int hour = read_digits(p, 2), minute = read_digits(p + 3, 2);
	int second = read_digits(p + 6, 2);

	if (p[2] != ':' || p[5] != ':' || hour < 0 || hour > 23 ||
	    minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	*seconds = (hour * 60 + minute) * INT64_C(60) + second;
	return true;
}

/* Reads the digits after the dot. Returns the position after them, or NULL if
 * PostgreSQL would round them. */
static const char *
read_fraction(const char *p, const char *end, int64_t *us)
{
	const char *from = p;
	int64_t unit = SECOND;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		unit /= 10;
		*us += unit * (*p - '0');
	}
	return p > from && p - from <= FRACTION_DIGITS ? p : NULL;
}

/* Reads the end of the text: nothing, Z, or an offset from UTC such as
 * +02:00. */
static bool
read_zone(const char *p, const char *end, bool with_zone, int64_t *seconds)
{
	int hours, minutes;

	*seconds = 0;
	if (p == end || (p + 1 == end && *p == 'Z'))
		return true;
	if (!with_zone || end - p != ZONE_LEN || (*p != '+' && *p != '-') ||
	    p[3] != ':')
		return false;
	hours = read_digits(p + 1, 2);
	minutes = read_digits(p + 4, 2);
	if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * 60 + minutes) * INT64_C(60) *
	    (*p == '-' ? -1 : 1);
	return true;
}

bool
pg_time_to_us(const char *p, size_t n, bool with_zone, int64_t *us)
{
	const char *end = p + n;
	int64_t days, seconds, zone, fraction = 0;

	if (n < DATE_LEN + 1 + TIME_LEN || !read_date(p, &days) ||
	    (p[DATE_LEN] != 'T' && p[DATE_LEN] != ' ') ||
	    !read_time_of_day(p + DATE_LEN + 1, &seconds))
		return false;
	p += DATE_LEN + 1 + TIME_LEN;
	if (p < end && *p == '.' &&
	    (p = read_fraction(p + 1, end, &fraction)) == NULL)
		return false;
	if (!read_zone(p, end, with_zone, &zone))
		return false;
	*us = (days * 24 * 60 * 60 + seconds - zone) * SECOND + fraction;
	return true;
}
