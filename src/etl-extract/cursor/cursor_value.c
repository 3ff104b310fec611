#include "cursor/cursor_value.h"

#include "base/datetime.h"
#include "base/opt.h"
#include "base/text.h"
#include "json/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An exponent of more digits would overflow the int64_t of number.c. */
enum { EXPONENT_MAX = 17, DAY = 86400, SHOWN = 64,
	DATE = 10 };            /* bytes of a date such as 2026-01-31 */

static bool
is_number(const char *p, size_t n)
{
	size_t i = n > 0 && *p == '-', k = text_count_digits(p + i, n - i);

	if (k == 0 || (k > 1 && p[i] == '0'))
		return false;
	i += k;
	if (i < n && p[i] == '.') {
		if ((k = text_count_digits(p + i + 1, n - i - 1)) == 0)
			return false;
		i += k + 1;
	}
	if (i == n)
		return true;
	if (p[i] != 'e' && p[i] != 'E')
		return false;
	i++;
	i += i < n && (p[i] == '+' || p[i] == '-');
	k = text_count_digits(p + i, n - i);
	return k > 0 && k <= EXPONENT_MAX && i + k == n;
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

	(void)instant_parse(&x, a, an);
	(void)instant_parse(&y, b, bn);
	return instant_compare(&x, &y);
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
lookback_parse(struct lookback *l, const char *text)
{
	size_t n = strlen(text);
	uint64_t ms;

	if (duration_parse(&ms, text) == 0) {
		l->kind = VALUE_TIME;
		l->n = ms / 1000 + (ms % 1000 != 0);
		return 0;
	}
	if (n == 0 || n > 18 || text_count_digits(text, n) != n)
		return -1;
	l->kind = VALUE_NUMBER;
	l->n = strtoull(text, NULL, 10);
	return 0;
}

/* Reads a date, or a date and a time without an offset, as the values of the
 * types date and timestamp are. It is read as if it were in UTC. */
static bool
parse_local_time(struct instant *t, const char *text)
{
	char utc[VALUE_SHOWN];
	int n = snprintf(utc, sizeof(utc), "%s%s", text,
	    strlen(text) == DATE ? "T00:00:00Z" : "Z");

	return n < (int)sizeof(utc) && instant_parse(t, utc, (size_t)n);
}

/* Appends the time *t of `text`, less n seconds, in the form of the text: the
 * same character stands between date and time, and the same fraction and offset
 * at the end. A date stays a date: that of the resulting time. */
static int
subtract_seconds(struct buf *out, const char *text, const struct instant *t,
    uint64_t n, struct err *e)
{
	int64_t first = calendar_days(0, 1, 1) * DAY;
	int64_t local = t->seconds + t->east;
	char time[DATETIME_TEXT];

	local = n > (uint64_t)(local - first) ? first : local - (int64_t)n;
	(void)datetime_write(time, local);
	time[DATE] = text[DATE];
	buf_str(out, time);
	if (text[DATE] != '\0')
		buf_str(out, text + t->tail);
	return buf_check(out, e);
}

/* Appends the whole number of `text` less n. Fails if `text` is not a whole
 * number, or if a number does not fit into 64 bits. */
static int
subtract_int(struct buf *out, const char *text, uint64_t n, struct err *e)
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
value_look_back(struct buf *out, const char *text, const struct lookback *l,
    struct err *e)
{
	enum value_kind k = value_kind(text, strlen(text));
	bool is_local;
	struct instant t;

	/* --lookback 0 and --lookback 0s subtract nothing. So both are allowed,
	 * whether the value is a time or a number. */
	if (l->n == 0 && k != VALUE_TEXT) {
		buf_str(out, text);
		return buf_check(out, e);
	}
	is_local = k == VALUE_TEXT && l->kind == VALUE_TIME &&
	    parse_local_time(&t, text);
	if (k != l->kind && !is_local)
		return err_set(e, ERR_CONFIG, false, "--lookback: does not "
		    "fit the checkpoint %.64s, which is %s: give a duration "
		    "for a time, a whole number for a number, and no "
		    "--lookback for any other value", text,
		    value_kind_name(k));
	if (k == VALUE_NUMBER)
		return subtract_int(out, text, l->n, e);
	if (!is_local)
		(void)instant_parse(&t, text, strlen(text));
	return subtract_seconds(out, text, &t, l->n, e);
}
