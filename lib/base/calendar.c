#include "calendar.h"

#include <stdbool.h>

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
