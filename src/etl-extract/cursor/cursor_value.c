#include "cursor/cursor_value.h"

#include "base/calendar.h"
#include "base/opt.h"
#include "base/text.h"
#include "json/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An exponent of more digits would overflow the int64_t of number.c. */
enum { EXPONENT_MAX = 17, DAY = 86400, SHOWN = 64 };

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

static size_t
count_digits(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

static bool
is_number(const char *p, size_t n)
{
	size_t i = n > 0 && *p == '-', k = count_digits(p + i, n - i);

	if (k == 0 || (k > 1 && p[i] == '0'))
		return false;
	i += k;
	if (i < n && p[i] == '.') {
		if ((k = count_digits(p + i + 1, n - i - 1)) == 0)
			return false;
		i += k + 1;
	}
	if (i == n)
		return true;
	if (p[i] != 'e' && p[i] != 'E')
		return false;
	i++;
	i += i < n && (p[i] == '+' || p[i] == '-');
	k = count_digits(p + i, n - i);
	return k > 0 && k <= EXPONENT_MAX && i + k == n;
}

/* True if the text begins like the pattern, in which a 0 matches any digit, for
 * example "0000-00-00". */
static bool
begins_with_digit_pattern(const char *p, size_t n, const char *pattern)
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

	if (!begins_with_digit_pattern(p, n, "0000-00-00") || n < 20 ||
	    (p[10] != 'T' && p[10] != 't' && p[10] != ' ') ||
	    !begins_with_digit_pattern(p + 11, n - 11, "00:00:00"))
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

static bool
parse_utc_offset_and_subtract_it(struct instant *t, const char *p, size_t n)
{
	if (n == 1 && (*p == 'Z' || *p == 'z'))
		return true;
	if (n != 6 || (!begins_with_digit_pattern(p, n, "+00:00") &&
	    !begins_with_digit_pattern(p, n, "-00:00")))
		return false;
	t->east = parse_two_digits(p + 1) * 3600 + parse_two_digits(p + 4) * 60;
	if (parse_two_digits(p + 1) > 23 || parse_two_digits(p + 4) > 59)
		return false;
	if (*p == '-')
		t->east = -t->east;
	t->seconds -= t->east;
	return true;
}

static bool
parse_instant(struct instant *t, const char *p, size_t n)
{
	size_t at = 19, k;

	*t = (struct instant){ .tail = at };
	if (!parse_date_time(t, p, n))
		return false;
	if (p[at] == '.') {
		if ((k = count_digits(p + at + 1, n - at - 1)) == 0)
			return false;
		t->fraction = p + at + 1;
		for (t->digits = k; t->digits > 0 &&
		    t->fraction[t->digits - 1] == '0'; t->digits--)
			continue;
		at += k + 1;
	}
	/* A leap second is always the last second of a day in UTC. */
	return parse_utc_offset_and_subtract_it(t, p + at, n - at) &&
	    (!t->is_leap || (t->seconds % DAY + DAY) % DAY == DAY - 1);
}

enum value_kind
value_kind(const char *p, size_t n)
{
	struct instant t;

	if (parse_instant(&t, p, n))
		return VALUE_TIME;
	return is_number(p, n) ? VALUE_NUMBER : VALUE_TEXT;
}

const char *
value_kind_name(enum value_kind k)
{
	return k == VALUE_TIME ? "a time" : k == VALUE_NUMBER ? "a number" :
	    k == VALUE_TEXT ? "a string" : "nothing";
}

static int
compare_bytes(const char *a, size_t an, const char *b, size_t bn)
{
	size_t n = an < bn ? an : bn;
	int c = n == 0 ? 0 : memcmp(a, b, n);

	return c != 0 ? c : (an > bn) - (an < bn);
}

static int
compare_times(const char *a, size_t an, const char *b, size_t bn)
{
	struct instant x, y;

	(void)parse_instant(&x, a, an);
	(void)parse_instant(&y, b, bn);
	if (x.seconds != y.seconds)
		return x.seconds < y.seconds ? -1 : 1;
	if (x.is_leap != y.is_leap)
		return x.is_leap ? 1 : -1;
	return compare_bytes(x.fraction, x.digits, y.fraction, y.digits);
}

int
value_compare(enum value_kind k, const char *a, size_t an, const char *b,
    size_t bn)
{
	if (k == VALUE_NUMBER)
		return number_compare(a, an, b, bn);
	if (k == VALUE_TIME)
		return compare_times(a, an, b, bn);
	return compare_bytes(a, an, b, bn);
}

const char *
value_copy_for_message(char out[VALUE_SHOWN], const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, VALUE_SHOWN - 1);
	text_show(&b, p, n > SHOWN ? SHOWN : n);
	(void)snprintf(out, VALUE_SHOWN, "%s", buf_text(&b));
	buf_release(&b);
	return out;
}

int
lookback_parse(struct lookback *l, const char *text)
{
	size_t n = strlen(text);
	uint64_t ms;

	if (duration_parse(&ms, text) == 0) {
		l->kind = VALUE_TIME;
		l->n = ms / 1000 + (ms % 1000 != 0);
		return 0;
	}
	if (n == 0 || n > 18 || count_digits(text, n) != n)
		return -1;
	l->kind = VALUE_NUMBER;
	l->n = strtoull(text, NULL, 10);
	return 0;
}

/* Appends seconds since 1970 as a date and a time in the form of RFC 3339, with
 * the given character (T or a space) between them. */
static void
put_date_time(struct buf *out, int64_t seconds, char between)
{
	int64_t day = seconds / DAY - (seconds % DAY < 0);
	int64_t rest = seconds - day * DAY;
	struct calendar_date d = calendar_date(day);

	buf_printf(out, "%04d-%02d-%02d%c%02d:%02d:%02d", (int)d.year, d.month,
	    d.day, between, (int)(rest / 3600), (int)(rest / 60 % 60),
	    (int)(rest % 60));
}

static int
subtract_from_number(struct buf *out, const char *text, uint64_t n,
    struct err *e)
{
	int64_t v;

	if (!number_to_int64(text, strlen(text), &v) ||
	    v < INT64_MIN + (int64_t)n)
		return err_set(e, ERR_CONFIG, false, "--lookback %" PRIu64
		    ": cannot be subtracted from the checkpoint %.64s: it "
		    "must be a whole number, and it and the result must fit "
		    "into 64 bits", n, text);
	buf_printf(out, "%" PRId64, v - (int64_t)n);
	return buf_check(out, e);
}

int
value_subtract_lookback(
    struct buf *out, const char *text, const struct lookback *l, struct err *e)
{
	enum value_kind k = value_kind(text, strlen(text));
	int64_t first = calendar_days(0, 1, 1) * DAY, local;
	struct instant t;

	/* --lookback 0 and --lookback 0s subtract nothing. So both are allowed,
	 * whether the value is a time or a number. */
	if (l->n == 0 && k != VALUE_TEXT) {
		buf_str(out, text);
		return buf_check(out, e);
	}
	if (k != l->kind)
		return err_set(e, ERR_CONFIG, false, "--lookback: does not "
		    "fit the checkpoint %.64s, which is %s: give a duration "
		    "for a time, a whole number for a number, and no "
		    "--lookback for any other value", text,
		    value_kind_name(k));
	if (k == VALUE_NUMBER)
		return subtract_from_number(out, text, l->n, e);
	(void)parse_instant(&t, text, strlen(text));
	local = t.seconds + t.east;
	local = l->n > (uint64_t)(local - first) ? first :
	    local - (int64_t)l->n;
	put_date_time(out, local, text[10]);
	buf_str(out, text + t.tail);
	return buf_check(out, e);
}
