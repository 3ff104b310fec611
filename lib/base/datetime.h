/* Dates and times: the one reader of their texts, the writer, and the calendar.
 *
 * datetime_read() reads a date, one of "T", "t" or a blank, a time of day and a
 * zone: 2026-01-30T10:15:30.5+02:00. Any number of digits may follow the point.
 * The bits of `forms` are the other spellings that the caller accepts.
 * Borrows: the text, as long as the struct is used.
 * Fails: with a value of enum datetime_fault. After DATETIME_NO_DAY and
 *        DATETIME_NO_TIME the parts are set as they were written. */
#ifndef BASE_DATETIME_H
#define BASE_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum datetime_form {
	DATETIME_DATE = 1 << 0,         /* a date alone */
	DATETIME_TIME = 1 << 1,         /* a time of day alone, with its zone */
	DATETIME_LOWER = 1 << 2,        /* t and z in place of T and Z */
	DATETIME_MINUTES = 1 << 3,      /* 10:15 */
	DATETIME_MINUTE_PARTS = 1 << 4, /* 10:15.5, whose .5 is of a second */
	DATETIME_COMMA = 1 << 5,        /* 10:15:30,5 */
	DATETIME_NO_POINT = 1 << 6,     /* 10:15:305 */
	DATETIME_NO_DIGITS = 1 << 7,    /* 10:15:30. */
	DATETIME_LOCAL = 1 << 8,        /* no zone */
	DATETIME_SHORT_ZONE = 1 << 9,   /* +02 and +0200 */
	DATETIME_BLANK_ZONE = 1 << 10,  /* a blank after the time of day */
	DATETIME_YEAR_0 = 1 << 11,
	DATETIME_HOUR_24 = 1 << 12,     /* 24:00, the end of the day */
	DATETIME_SECOND_60 = 1 << 13    /* at any minute */
};

enum datetime_fault {
	DATETIME_OK,
	DATETIME_NOT_ONE,       /* the text has another form */
	DATETIME_NO_DAY,        /* such as 2026-02-30 */
	DATETIME_NO_TIME        /* such as 25:00 */
};

struct datetime {
	int year, month, day;   /* 0 if the text has no date */
	int hour, minute, second;
	const char *fraction;   /* digits after the point */
	size_t digits;          /* number of these digits */
	bool has_zone;
	int east;               /* offset east of UTC in seconds */
};

enum datetime_fault datetime_read(struct datetime *d, const char *p, size_t n,
    unsigned forms);
bool datetime_fits(const char *p, size_t n, unsigned forms);
/* Reads a zone alone: Z, or an offset such as +02:00. Returns false if it is
 * not one. Of the forms those of a zone count. */
bool zone_read(int *east, const char *p, size_t n, unsigned forms);
/* Returns the seconds since 1970 in UTC, without the fraction. A leap second
 * has the number of the second before it. */
int64_t datetime_seconds(const struct datetime *d);
/* Returns the fraction in microseconds; digits after the sixth do not count. */
int datetime_micros(const struct datetime *d);

/* Writes the time as 2026-01-30T10:15:30 with a NUL. Returns its length: 19 in
 * the years 0 to 9999. */

enum { DATETIME_TEXT = 36 };

size_t datetime_write(char out[DATETIME_TEXT], int64_t seconds);

/* A point in time: a date, a time with seconds and an offset, as in RFC 3339. A
 * space may stand in place of the T. A leap second is accepted where it is the
 * last second of a day in UTC.
 * Fails: instant_parse() returns false if the text is not such a time. */

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
