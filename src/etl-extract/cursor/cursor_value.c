#include "cursor/cursor_value.h"

#include "base/calendar.h"
#include "base/opt.h"
#include "base/text.h"
#include "json/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPONENT_MAX = 17, DAY = 86400, SHOWN = 64 };

struct instant {
	int64_t seconds;        /* UTC, of the second before a leap second */
	int east;               /* seconds */
	bool leap;
	const char *fraction;   /* digits, the zeros at the end left out */
	size_t digits;
	size_t tail;            /* where fraction and offset begin */
};

static size_t
span_digits(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

static bool
is_number(const char *p, size_t n)
{
	size_t i = n > 0 && *p == '-', k = span_digits(p + i, n - i);

	if (k == 0 || (k > 1 && p[i] == '0'))
		return false;
	i += k;
	if (i < n && p[i] == '.') {
		if ((k = span_digits(p + i + 1, n - i - 1)) == 0)
			return false;
		i += k + 1;
	}
	if (i == n)
		return true;
	if (p[i] != 'e' && p[i] != 'E')
		return false;
	i++;
	i += i < n && (p[i] == '+' || p[i] == '-');
	k = span_digits(p + i, n - i);
	return k > 0 && k <= EXPONENT_MAX && i + k == n;
}

/* "2026-05-30T12:00:00" by a pattern, 0 standing for any digit. */
static bool
has_form(const char *p, size_t n, const char *form)
{
	size_t i;

	for (i = 0; form[i] != '\0'; i++)
		if (i >= n || (form[i] == '0' ? p[i] < '0' || p[i] > '9' :
		    form[i] != p[i]))
			return false;
	return true;
}

static int
two(const char *p)
{
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/* Date and time of day, without fraction and offset. */
static bool
local_parse(struct instant *t, const char *p, size_t n)
{
	int year, month, day, hour, minute, second;

	if (!has_form(p, n, "0000-00-00") || n < 20 ||
	    (p[10] != 'T' && p[10] != 't' && p[10] != ' ') ||
	    !has_form(p + 11, n - 11, "00:00:00"))
		return false;
	year = two(p) * 100 + two(p + 2);
	month = two(p + 5);
	day = two(p + 8);
	hour = two(p + 11);
	minute = two(p + 14);
	second = two(p + 17);
	if (month < 1 || month > 12 || day < 1 ||
	    day > calendar_month_days(year, month) || hour > 23 ||
	    minute > 59 || second > 60)
		return false;
	t->leap = second == 60;
	second += hour * 3600 + minute * 60 - t->leap;
	t->seconds = calendar_days(year, month, day) * DAY + second;
	return true;
}

static bool
offset_parse(struct instant *t, const char *p, size_t n)
{
	if (n == 1 && (*p == 'Z' || *p == 'z'))
		return true;
	if (n != 6 || (!has_form(p, n, "+00:00") && !has_form(p, n, "-00:00")))
		return false;
	t->east = two(p + 1) * 3600 + two(p + 4) * 60;
	if (two(p + 1) > 23 || two(p + 4) > 59)
		return false;
	if (*p == '-')
		t->east = -t->east;
	t->seconds -= t->east;
	return true;
}

static bool
instant_parse(struct instant *t, const char *p, size_t n)
{
	size_t at = 19, k;

	*t = (struct instant){ .tail = at };
	if (!local_parse(t, p, n))
		return false;
	if (p[at] == '.') {
		if ((k = span_digits(p + at + 1, n - at - 1)) == 0)
			return false;
		t->fraction = p + at + 1;
		for (t->digits = k; t->digits > 0 &&
		    t->fraction[t->digits - 1] == '0'; t->digits--)
			continue;
		at += k + 1;
	}
	/* A leap second is the last of a day, in UTC. */
	return offset_parse(t, p + at, n - at) &&
	    (!t->leap || (t->seconds % DAY + DAY) % DAY == DAY - 1);
}

enum value_kind
value_kind(const char *p, size_t n)
{
	struct instant t;

	if (instant_parse(&t, p, n))
		return VALUE_TIME;
	return is_number(p, n) ? VALUE_NUMBER : VALUE_TEXT;
}

const char *
value_kind_name(enum value_kind k)
{
	return k == VALUE_TIME ? "a time" : k == VALUE_NUMBER ? "a number" :
	    k == VALUE_TEXT ? "a text" : "nothing";
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

	(void)instant_parse(&x, a, an);
	(void)instant_parse(&y, b, bn);
	if (x.seconds != y.seconds)
		return x.seconds < y.seconds ? -1 : 1;
	if (x.leap != y.leap)
		return x.leap ? 1 : -1;
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
value_show(char out[VALUE_SHOWN], const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, VALUE_SHOWN - 1);
	text_show(&b, p, n > SHOWN ? SHOWN : n);
	(void)snprintf(out, VALUE_SHOWN, "%s", buf_text(&b));
	buf_release(&b);
	return out;
}

int
span_parse(struct span *s, const char *text)
{
	size_t n = strlen(text);
	uint64_t ms;

	if (duration_parse(&ms, text) == 0) {
		s->kind = VALUE_TIME;
		s->n = ms / 1000 + (ms % 1000 != 0);
		return 0;
	}
	if (n == 0 || n > 18 || span_digits(text, n) != n)
		return -1;
	s->kind = VALUE_NUMBER;
	s->n = strtoull(text, NULL, 10);
	return 0;
}

/* Writes seconds since 1970 as date and time in the form of RFC 3339. */
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
number_back(struct buf *out, const char *text, uint64_t n, struct err *e)
{
	int64_t v;

	if (!number_int(text, strlen(text), &v) ||
	    v < INT64_MIN + (int64_t)n)
		return err_set(e, ERR_CONFIG, false, "--lookback %" PRIu64
		    ": the checkpoint %.64s is no whole number of 64 bits", n,
		    text);
	buf_printf(out, "%" PRId64, v - (int64_t)n);
	return buf_check(out, e);
}

int
value_back(struct buf *out, const char *text, const struct span *s,
    struct err *e)
{
	enum value_kind k = value_kind(text, strlen(text));
	int64_t first = calendar_days(0, 1, 1) * DAY, local;
	struct instant t;

	/* Nothing back is a duration and a number. */
	if (s->n == 0 && k != VALUE_TEXT) {
		buf_str(out, text);
		return buf_check(out, e);
	}
	if (k != s->kind)
		return err_set(e, ERR_CONFIG, false, "--lookback: the "
		    "checkpoint %.64s is %s: wants a duration for a time, a "
		    "whole number for a number", text, value_kind_name(k));
	if (k == VALUE_NUMBER)
		return number_back(out, text, s->n, e);
	(void)instant_parse(&t, text, strlen(text));
	local = t.seconds + t.east;
	local = s->n > (uint64_t)(local - first) ? first :
	    local - (int64_t)s->n;
	put_date_time(out, local, text[10]);
	buf_str(out, text + t.tail);
	return buf_check(out, e);
}
