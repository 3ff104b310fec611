#include "module/module.h"

#include "json/number.h"

#include <math.h>
#include <string.h>

enum { DIGITS_MAX = 1000, SHOWN = 60 };

/* The parts of a number: its sign, the digits before and after the dot, and the
 * exponent of 10. */
struct decimal {
	bool minus;
	const char *whole, *fraction;
	size_t wholes, fractions;       /* how many digits */
	long exponent;
};

static const char *
skip_digits(const char *p, const char *end, size_t *n)
{
	const char *from = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	*n = (size_t)(p - from);
	return p;
}

/* Parses what follows the e of a number. Returns its end, NULL if there are no
 * digits. A huge exponent is cut to a value that is still too large. */
static const char *
parse_exponent(const char *p, const char *end, long *v)
{
	bool minus = p < end && *p == '-';
	size_t n;
	const char *from;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	from = p;
	p = skip_digits(p, end, &n);
	*v = 0;
	for (; from < p && *v < DIGITS_MAX * 1000L; from++)
		*v = *v * 10 + (*from - '0');
	if (minus)
		*v = -*v;
	return n > 0 ? p : NULL;
}

/* Parses a number of JSON. In addition, a plus sign and zeros may be in front,
 * as in +007. */
static bool
decimal_parse(struct decimal *d, const char *p, size_t n)
{
	const char *end = p + n;

	*d = (struct decimal){ .minus = p < end && *p == '-' };
	if (p < end && (*p == '-' || *p == '+'))
		p++;
	d->whole = p;
	p = skip_digits(p, end, &d->wholes);
	if (d->wholes == 0)
		return false;
	d->fraction = p;
	if (p < end && *p == '.') {
		d->fraction = ++p;
		p = skip_digits(p, end, &d->fractions);
		if (d->fractions == 0)
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E'))
		p = parse_exponent(p + 1, end, &d->exponent);
	while (d->wholes > 1 && *d->whole == '0') {
		d->whole++;
		d->wholes--;
	}
	return p == end;
}

/* Appends the number as JSON allows it: without a plus sign and zeros in
 * front. */
static void
decimal_add_json(const struct decimal *d, const char *end, struct buf *b)
{
	if (d->minus)
		buf_char(b, '-');
	buf_add(b, d->whole, (size_t)(end - d->whole));
}

/* Returns digit i, counted from the first digit before the dot. Digits behind
 * the last one are zeros. */
static char
digit_at(const struct decimal *d, size_t i)
{
	if (i < d->wholes)
		return d->whole[i];
	i -= d->wholes;
	if (i < d->fractions)
		return d->fraction[i];
	return '0';
}

/* Appends the digits of an integer without dot and exponent. Returns false if
 * the number is not an integer or has more than DIGITS_MAX digits. */
static bool
decimal_add_integer(const struct decimal *d, struct buf *b)
{
	long point = (long)d->wholes + d->exponent;
	size_t n = d->wholes + d->fractions, i = 0;
	size_t whole = point > 0 ? (size_t)point : 0;

	while (i < n && digit_at(d, i) == '0')
		i++;
	if (i == n) {
		buf_char(b, '0');
		return true;
	}
	for (size_t k = n; k > whole; k--)
		if (digit_at(d, k - 1) != '0')
			return false;
	if (whole > DIGITS_MAX + i)
		return false;
	if (d->minus)
		buf_char(b, '-');
	for (; i < whole; i++)
		buf_char(b, digit_at(d, i));
	return true;
}

static jv
reject_text(const struct module *n, const char *code, const char *p, size_t len,
    const char *what)
{
	return module_reject(code, "%s: '%.*s' is not %s", n->op->name,
	    (int)(len < SHOWN ? len : SHOWN), p, what);
}

static jv
reject_not_number(const struct module *n, const char *p, size_t len)
{
	return reject_text(n, "type", p, len, "a number");
}

/* The text is a number, but to_int would change its value. */
static jv
reject_not_integer(const struct module *n, const char *p, size_t len)
{
	return reject_text(n, "number", p, len, "an integer");
}

/* Gets the text of the argument: the digits of a number (they are in
 * n->text), or a string without white space at its ends. Returns false for
 * other types. */
static bool
get_argument_text(struct module *n, const char **p, size_t *len)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) == JV_KIND_NUMBER) {
		numbers_put_without_place(
		    n->numbers, jv_number_value(v), &n->text);
		*p = n->text.data;
		*len = n->text.len;
		return true;
	}
	if (jv_get_kind(v) != JV_KIND_STRING)
		return false;
	*len = (size_t)jv_string_length_bytes(jv_copy(v));
	*p = words_trim(jv_string_value(v), len);
	return true;
}

jv
module_to_int(struct module *n)
{
	bool number = jv_get_kind(n->arg[0]) == JV_KIND_NUMBER;
	double v = number ? jv_number_value(n->arg[0]) : NAN;
	struct decimal d;
	const char *p;
	size_t len, from;

	if (!n->numbers->active && fabs(v) < 0x1p53 && v == trunc(v))
		return jv_copy(n->arg[0]);
	if (!get_argument_text(n, &p, &len))
		return module_reject_type(n, n->arg[0], "a number");
	if (!decimal_parse(&d, p, len))
		return reject_not_number(n, p, len);
	from = n->text.len;
	if (!buf_reserve(&n->text, d.wholes + d.fractions + DIGITS_MAX + 2))
		return reject_not_integer(n, p, len);
	/* The digits of a number are in n->text, which buf_reserve() may have
	 * moved. */
	if (number)
		(void)decimal_parse(&d, n->text.data, from);
	if (!decimal_add_integer(&d, &n->text))
		return reject_not_integer(n, number ? n->text.data : p, len);
	return jv_number(numbers_add_made_number(
	    n->numbers, n->text.data + from, n->text.len - from, number));
}

jv
module_to_number(struct module *n)
{
	jv v = n->arg[0];
	char plain[NUMBER_TEXT];
	struct decimal d;
	const char *p;
	size_t len, size;

	if (jv_get_kind(v) == JV_KIND_NUMBER)
		return jv_copy(v);
	if (!get_argument_text(n, &p, &len))
		return module_reject_type(n, v, "a number");
	if (!decimal_parse(&d, p, len))
		return reject_not_number(n, p, len);
	decimal_add_json(&d, p + len, &n->text);
	p = n->text.data;
	len = n->text.len;
	size = number_put(plain, number_to_double(p, len));
	if (number_equals(plain, size, p, len)) {
		p = plain;
		len = size;
	}
	return jv_number(numbers_add_made_number(n->numbers, p, len, false));
}
