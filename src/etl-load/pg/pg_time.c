#include "pg/pg_codec.h"

#include "base/datetime.h"
#include "exact_number.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { COMPACT_DIGITS = 6 };    /* 260130, 20260130 or 101530 in one number */

struct scan {
	const char *from, *p, *end;
	unsigned numbers;       /* without those of the zone and the fraction */
	unsigned colons;
	bool compact;           /* the first number has all of a date or time */
	bool date, time;        /* the text has such a part */
	bool zone, other_zone;  /* has a zone; has another zone than UTC */
	bool relative;          /* such as "today" */
	bool second_60;
	int decimals;           /* of the second */
};

static bool
is_digit_at(const struct scan *s, const char *p)
{
	return p < s->end && isdigit((unsigned char)*p);
}

static void
begin_time(struct scan *s)
{
	if (!s->time && s->numbers > 1)
		s->date = true;
	s->time = true;
}

/* True if a month and a day follow the number that was read: it is a year,
 * which has up to seven digits in PostgreSQL. */
static bool
is_year(const struct scan *s)
{
	const char *p = s->p;

	return is_digit_at(s, p + 1) && is_digit_at(s, p + 2) && *p == '-' &&
	    p + 3 < s->end && p[3] == '-' && is_digit_at(s, p + 4);
}

static void
read_number(struct scan *s)
{
	const char *from = s->p;
	size_t n;

	while (is_digit_at(s, s->p))
		s->p++;
	n = (size_t)(s->p - from);
	if (s->zone) {
		for (size_t i = 0; i < n; i++)
			s->other_zone |= from[i] != '0';
		return;
	}
	if (from > s->from && from[-1] == '.' && (s->time || s->compact)) {
		while (n > 0 && from[n - 1] == '0')
			n--;
		s->decimals = (int)n;
		return;
	}
	s->numbers++;
	if (s->compact)
		begin_time(s);
	if (s->numbers == 1)
		s->compact = n >= COMPACT_DIGITS && !is_year(s);
	if (s->time && (s->colons == 2 || n >= COMPACT_DIGITS) &&
	    n >= 2 && memcmp(s->p - 2, "60", 2) == 0)
		s->second_60 = true;
}

static bool
is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(p, word, n) == 0;
}

static bool
is_one_of(const char *p, size_t n, const char *const *words)
{
	for (; *words != NULL; words++)
		if (is_word(p, n, *words))
			return true;
	return false;
}

/* True for the name of a month or a day of the week, such as Jan or January. */
static bool
is_calendar_word(const char *p, size_t n)
{
	static const char *const names[] = { "january", "february", "march",
	    "april", "may", "june", "july", "august", "september", "october",
	    "november", "december", "sunday", "monday", "tuesday",
	    "wednesday", "thursday", "friday", "saturday" };

	for (size_t i = 0; n >= 3 && i < sizeof(names) / sizeof(names[0]); i++)
		if (n <= strlen(names[i]) && strncasecmp(p, names[i], n) == 0)
			return true;
	return false;
}

static void
read_word(struct scan *s)
{
	static const char *const relative[] = { "now", "today", "tomorrow",
	    "yesterday", NULL };
	static const char *const utc[] = { "z", "utc", "gmt", "zulu", "ut",
	    "uct", NULL };
	static const char *const date[] = { "ad", "bc", "j", "jd", "julian",
	    "y", "m", "d", "epoch", "infinity", NULL };
	const char *from = s->p;
	size_t n;

	while (s->p < s->end && isalpha((unsigned char)*s->p))
		s->p++;
	n = (size_t)(s->p - from);
	if (is_word(from, n, "t") && is_digit_at(s, s->p)) {
		s->date |= s->numbers > 0;
		s->time = true;
	} else if (is_one_of(from, n, relative)) {
		s->relative = true;
	} else if (is_one_of(from, n, utc)) {
		s->zone = true;
	} else if (is_word(from, n, "am") || is_word(from, n, "pm") ||
	    is_word(from, n, "allballs")) {
		s->time = true;
	} else if (is_calendar_word(from, n) || is_one_of(from, n, date)) {
		s->date = true;
	} else {
		s->zone = s->other_zone = true;
	}
}

static void
read_punctuation(struct scan *s)
{
	char c = *s->p++;

	if (c == ':' && !s->zone) {
		begin_time(s);
		s->colons++;
	}
	if (c == '+' || (c == '-' &&
	    (s->time || s->compact || s->numbers >= 3)))
		s->zone = true;
}

static void
scan_time(struct scan *s)
{
	while (s->p < s->end)
		if (isdigit((unsigned char)*s->p))
			read_number(s);
		else if (isalpha((unsigned char)*s->p))
			read_word(s);
		else
			read_punctuation(s);
	if (!s->time && s->numbers > 1)
		s->date = true;
}

enum { DATE_LEN = 10, TIME_LEN = 19 };

bool
pg_keeps_usual_time(
    const char *p, size_t n, enum column_change type, int second_digits)
{
	struct datetime d;

	/* The server judges whether there is such a day and such a time. */
	if (datetime_read(&d, p, n, DATETIME_DATE | DATETIME_LOCAL |
	    DATETIME_NO_DIGITS) == DATETIME_NOT_ONE)
		return false;
	if (type == CHANGE_DATE)
		return n == DATE_LEN;
	return n >= TIME_LEN && (type == CHANGE_TIMESTAMP ||
	    type == CHANGE_TIMESTAMPTZ) && d.second / 10 != 6 &&
	    (int64_t)d.digits <= second_digits &&
	    (!d.has_zone || p[n - 1] == 'Z');
}

/* True if the text is certainly no date and no time, so that the server refuses
 * it: it has neither two numbers nor a word or a number that stands for a date
 * or a time. Only a time of day may be one number, such as 1030. */
static bool
is_no_time(const struct scan *s, enum column_change type)
{
	bool may_be_number = type == CHANGE_TIME || type == CHANGE_TIMETZ;

	return !s->date && !s->time && !s->compact &&
	    s->numbers < (may_be_number ? 1 : 2);
}

const char *
pg_find_time_loss(const char *p, size_t n, enum column_change type,
    int second_digits)
{
	struct scan s = { .from = p, .p = p, .end = p + n };

	scan_time(&s);
	if (s.relative)
		return "the word stands for another time on another day";
	if (is_no_time(&s, type))
		return NULL;
	if (type == CHANGE_DATE)
		return s.time || s.zone || s.decimals > 0 || s.numbers > 3 ?
		    "a date has no time and no zone" : NULL;
	if (s.date && (type == CHANGE_TIME || type == CHANGE_TIMETZ))
		return "a time of day has no date";
	if (s.other_zone && type == CHANGE_TIME)
		return "the column keeps no zone, and the zone is not UTC";
	if (s.other_zone && type == CHANGE_TIMESTAMP)
		return "the column keeps no zone, and the zone is not UTC";
	if (s.second_60)
		return "PostgreSQL has no second 60";
	return s.decimals > second_digits ?
	    "the column keeps fewer digits of the second" : NULL;
}

struct quantity {               /* one part of an interval, such as 1.5 days */
	const char *number, *unit;
	size_t number_len, unit_len;
};

/* Reads the next number of an interval and the unit after it: 3 and "days" of
 * "3 days 2 hours". Returns false at the end of the text. */
static bool
next_quantity(const char **p, const char *end, struct quantity *q)
{
	const char *s = *p;

	while (s < end && !isdigit((unsigned char)*s) && *s != '.')
		s++;
	q->number = s;
	while (s < end && (isdigit((unsigned char)*s) || *s == '.'))
		s++;
	q->number_len = (size_t)(s - q->number);
	while (s < end && *s == ' ')
		s++;
	q->unit = s;
	while (s < end && isalpha((unsigned char)*s))
		s++;
	q->unit_len = (size_t)(s - q->unit);
	*p = s;
	return q->number_len > 0;
}

static bool
unit_begins_with(const struct quantity *q, const char *prefix)
{
	size_t n = strlen(prefix);

	return q->unit_len >= n && strncasecmp(q->unit, prefix, n) == 0;
}

/* True if the quantity is in years or multiples of years. */
static bool
is_in_years(const struct quantity *q)
{
	return unit_begins_with(q, "y") || unit_begins_with(q, "dec") ||
	    unit_begins_with(q, "c") ||
	    (unit_begins_with(q, "mil") && !unit_begins_with(q, "millis"));
}

/* True if the number has no fraction, or one of .25, .5 and .75: these parts of
 * a year are whole months. */
static bool
is_whole_months(const struct quantity *q)
{
	const char *end = q->number + q->number_len, *fraction;
	size_t n;

	fraction = memchr(q->number, '.', q->number_len);
	if (fraction == NULL)
		return true;
	fraction++;
	while (end > fraction && end[-1] == '0')
		end--;
	n = (size_t)(end - fraction);
	return n == 0 || (n == 1 && *fraction == '5') ||
	    (n == 2 && (memcmp(fraction, "25", 2) == 0 ||
	    memcmp(fraction, "75", 2) == 0));
}

/* PostgreSQL stores an interval as months, days and microseconds. It stores six
 * decimals of any unit but years exactly. If the column keeps fewer digits of
 * the second, only one decimal is sure to be kept: 0.1 of a minute, an hour or
 * a day is a whole number of seconds. */
static const char *
find_quantity_loss(const struct quantity *q, int second_digits)
{
	int most = second_digits, exponent = 0;

	if (is_in_years(q))
		return is_whole_months(q) ? NULL :
		    "PostgreSQL rounds a fraction of a year to months";
	if (unit_begins_with(q, "ms") || unit_begins_with(q, "millis"))
		exponent = -3;
	else if (unit_begins_with(q, "us") || unit_begins_with(q, "micros"))
		exponent = -6;
	else if (second_digits < 6 && q->unit_len > 0 &&
	    !unit_begins_with(q, "s"))
		most = 1;
	return count_decimals(q->number, q->number_len, exponent) > most ?
	    "the column keeps fewer digits" : NULL;
}

const char *
pg_find_interval_loss(const char *p, size_t n, int second_digits)
{
	const char *end = p + n, *loss = NULL;
	struct quantity q;

	while (loss == NULL && next_quantity(&p, end, &q))
		loss = find_quantity_loss(&q, second_digits);
	return loss;
}

/* Finds the field of an interval that the unit belongs to. Returns false if the
 * unit is unknown or smaller than a minute. */
static bool
find_unit_field(const struct quantity *q, enum interval_field *field)
{
	static const struct { const char *prefix; enum interval_field field; }
	    units[] = {
		{ "y", FIELD_YEAR }, { "dec", FIELD_YEAR },
		{ "c", FIELD_YEAR }, { "mon", FIELD_MONTH },
		{ "w", FIELD_DAY }, { "d", FIELD_DAY }, { "h", FIELD_HOUR },
		{ "min", FIELD_MINUTE },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (unit_begins_with(q, units[i].prefix)) {
			*field = units[i].field;
			return true;
		}
	return false;
}

const char *
pg_find_fields_loss(const char *p, size_t n, enum interval_field finest)
{
	const char *end = p + n;
	enum interval_field field;
	struct quantity q;

	while (next_quantity(&p, end, &q))
		if (!find_unit_field(&q, &field) || field > finest ||
		    count_decimals(q.number, q.number_len, 0) > 0)
			return "only whole numbers with a unit that the column "
			    "has, such as \"3 days\", are sure to be kept";
	return NULL;
}
