/* Converts dates of the proleptic Gregorian calendar to numbers of days and
 * back.
 * Units: days since 1970-01-01, which may be negative; months from 1 to 12.
 * Source: ISO 8601. The computation lets a year begin in March, so that the
 *         leap day is the last day of the year. */
#ifndef BASE_CALENDAR_H
#define BASE_CALENDAR_H

#include <stdint.h>

struct calendar_date {
	int64_t year;
	int month, day;
};

int calendar_month_days(int64_t year, int month);
int64_t calendar_days(int64_t year, int month, int day);
struct calendar_date calendar_date(int64_t days);

#endif
