#include "base/datetime.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAY = 86400 };

struct scan {
	const char *p, *end;
	unsigned forms;
};

static bool
skip_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* Skips T or Z, or the small letter if the forms allow it. */
static bool
skip_letter(struct scan *s, char upper, char lower)
{
	if ((s->forms & DATETIME_LOWER) && skip_char(s, lower))
		return true;
	return skip_char(s, upper);
}

/* Reads a number of exactly `digits` digits. */
static bool
read_number(struct scan *s, int digits, int *v)
{
	for (*v = 0; digits > 0; digits--, s->p++) {
		if (s->p == s->end || *s->p < '0' || *s->p > '9')
			return false;
		*v = *v * 10 + (*s->p - '0');
	}
	return true;
}

static bool
read_date(struct scan *s, struct datetime *d)
{
	return read_number(s, 4, &d->year) && skip_char(s, '-') &&
	    read_number(s, 2, &d->month) && skip_char(s, '-') &&
	    read_number(s, 2, &d->day);
}

/* Reads the time of day without its zone. */
static bool
read_clock(struct scan *s, struct datetime *d)
{
	bool has_second, has_point = false;

	if (!read_number(s, 2, &d->hour) || !skip_char(s, ':') ||
	    !read_number(s, 2, &d->minute))
		return false;
	has_second = skip_char(s, ':');
	if (has_second ? !read_number(s, 2, &d->second) :
	    !(s->forms & DATETIME_MINUTES))
		return false;
	if (has_second || (s->forms & DATETIME_MINUTE_PARTS))
		has_point = skip_char(s, '.') ||
		    ((s->forms & DATETIME_COMMA) && skip_char(s, ','));
	if (has_point || (has_second && (s->forms & DATETIME_NO_POINT))) {
		d->fraction = s->p;
		d->digits = text_count_digits(s->p, (size_t)(s->end - s->p));
		s->p += d->digits;
	}
	return !has_point || d->digits > 0 ||
	    (s->forms & DATETIME_NO_DIGITS);
}

/* Reads the zone, which ends the text. */
static bool
read_zone(struct scan *s, struct datetime *d)
{
	bool is_west;
	int hours, minutes = 0;

	if (s->forms & DATETIME_BLANK_ZONE)
		(void)skip_char(s, ' ');
	if (s->p == s->end)
		return s->forms & DATETIME_LOCAL;
	d->has_zone = true;
	if (skip_letter(s, 'Z', 'z'))
		return s->p == s->end;
	is_west = *s->p == '-';
	if ((!skip_char(s, '+') && !skip_char(s, '-')) ||
	    !read_number(s, 2, &hours))
		return false;
	if (!(s->forms & DATETIME_SHORT_ZONE) || s->p < s->end) {
		if (!skip_char(s, ':') && !(s->forms & DATETIME_SHORT_ZONE))
			return false;
		if (!read_number(s, 2, &minutes))
			return false;
	}
	d->east = (hours * 60 + minutes) * (is_west ? -60 : 60);
	return s->p == s->end && hours < 24 && minutes < 60;
}

static bool
is_day(const struct datetime *d, unsigned forms)
{
	return (d->year > 0 || (forms & DATETIME_YEAR_0)) && d->month >= 1 &&
	    d->month <= 12 && d->day >= 1 &&
	    d->day <= calendar_month_days(d->year, d->month);
}

/* The only time of the hour 24 is its begin. */
static bool
is_time_of_day(const struct datetime *d, unsigned forms)
{
	if (d->hour == 24 && (forms & DATETIME_HOUR_24)) {
		for (size_t i = 0; i < d->digits; i++)
			if (d->fraction[i] != '0')
				return false;
		return d->minute == 0 && d->second == 0;
	}
	return d->hour < 24 && d->minute < 60 &&
	    d->second < (forms & DATETIME_SECOND_60 ? 61 : 60);
}

enum datetime_fault
datetime_read(struct datetime *d, const char *p, size_t n, unsigned forms)
{
	struct scan s = { p, p + n, forms };
	bool has_date = !(forms & DATETIME_TIME) || n < 3 || p[2] != ':';

	*d = (struct datetime){ .year = 0 };
	if (has_date && !read_date(&s, d))
		return DATETIME_NOT_ONE;
	if (s.p == s.end) {
		if (!(forms & DATETIME_DATE))
			return DATETIME_NOT_ONE;
	} else {
		if (has_date && !skip_letter(&s, 'T', 't') &&
		    !skip_char(&s, ' '))
			return DATETIME_NOT_ONE;
		if (!read_clock(&s, d) || !read_zone(&s, d))
			return DATETIME_NOT_ONE;
	}
	if (has_date && !is_day(d, forms))
		return DATETIME_NO_DAY;
	return is_time_of_day(d, forms) ? DATETIME_OK : DATETIME_NO_TIME;
}

bool
datetime_fits(const char *p, size_t n, unsigned forms)
{
	struct datetime d;

	return datetime_read(&d, p, n, forms) == DATETIME_OK;
}

bool
zone_read(int *east, const char *p, size_t n, unsigned forms)
{
	struct scan s = { p, p + n, forms };
	struct datetime d = { .year = 0 };
	bool is_zone = read_zone(&s, &d);

	*east = is_zone ? d.east : 0;
	return is_zone;
}

int64_t
datetime_seconds(const struct datetime *d)
{
	int second = d->second == 60 ? 59 : d->second;

	return calendar_days(d->year, d->month, d->day) * DAY +
	    (d->hour * 60 + d->minute) * 60 + second - d->east;
}

int
datetime_micros(const struct datetime *d)
{
	int micros = 0, unit = 100000;

	for (size_t i = 0; i < d->digits && unit > 0; i++, unit /= 10)
		micros += unit * (d->fraction[i] - '0');
	return micros;
}

/* Writes the digits without snprintf(3), which takes ten times as long. */
static void
write_digits(char *p, int digits, int v)
{
	for (; digits > 0; v /= 10)
		p[--digits] = (char)('0' + v % 10);
}

size_t
datetime_write(char out[DATETIME_TEXT], int64_t seconds)
{
	static const char form[] = "0000-00-00T00:00:00";
	int64_t days = seconds / DAY - (seconds % DAY < 0);
	int rest = (int)(seconds - days * DAY);
	struct calendar_date date = calendar_date(days);
	char *p = out + 4;

	if (date.year >= 0 && date.year <= 9999)
		write_digits(out, 4, (int)date.year);
	else
		p = out + snprintf(out, DATETIME_TEXT / 2, "%" PRId64,
		    date.year);
	memcpy(p, form + 4, sizeof(form) - 4);
	write_digits(p + 1, 2, date.month);
	write_digits(p + 4, 2, date.day);
	write_digits(p + 7, 2, rest / 3600);
	write_digits(p + 10, 2, rest / 60 % 60);
	write_digits(p + 13, 2, rest % 60);
	return (size_t)(p - out) + sizeof(form) - 5;
}

bool
instant_parse(struct instant *t, const char *p, size_t n)
{
	enum { TAIL = 19 };
	struct datetime d;

	*t = (struct instant){ .tail = TAIL };
	if (datetime_read(&d, p, n, DATETIME_LOWER | DATETIME_YEAR_0 |
	    DATETIME_SECOND_60) != DATETIME_OK)
		return false;
	t->seconds = datetime_seconds(&d);
	t->east = d.east;
	t->is_leap = d.second == 60;
	t->fraction = d.fraction;
	for (t->digits = d.digits; t->digits > 0 &&
	    t->fraction[t->digits - 1] == '0'; t->digits--)
		continue;
	/* A leap second is always the last second of a day in UTC. */
	return !t->is_leap || (t->seconds % DAY + DAY) % DAY == DAY - 1;
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
