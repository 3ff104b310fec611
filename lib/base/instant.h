/* Reads a point in time: a date, a time and an offset, as in RFC 3339. A space
 * may stand in place of the T. Any number of digits may follow the seconds.
 * Borrows: the text, as long as the instant is used.
 * Fails: instant_parse() returns false if the text is not such a time. */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct instant {
	int64_t seconds;        /* since 1970 in UTC; a leap second has the
				 * number of the second before it */
	int east;               /* offset east of UTC in seconds */
	bool is_leap;           /* the time is in a leap second (:60) */
	const char *fraction;   /* digits after the dot */
	size_t digits;          /* number of these digits; zeros at the end do
				 * not count */
	size_t tail;            /* where in the text the fraction and the
				 * offset begin */
};

bool instant_parse(struct instant *t, const char *p, size_t n);
/* Returns less than 0, 0 or more than 0 if a is before, equal to or after b. A
 * leap second comes after the second before it. */
int instant_compare(const struct instant *a, const struct instant *b);

/* Converts dates of the proleptic Gregorian calendar to numbers of days and
 * back.
 * Units: days since 1970-01-01, which may be negative; months from 1 to 12.
 * Source: ISO 8601. The computation lets a year begin in March, so that the
 *         leap day is the last day of the year. */

struct calendar_date {
	int64_t year;
	int month, day;
};

int calendar_month_days(int64_t year, int month);
int64_t calendar_days(int64_t year, int month, int day);
struct calendar_date calendar_date(int64_t days);

#endif
