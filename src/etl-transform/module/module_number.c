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

/* Parses the exponent of a number: the sign and digits after the e, as in 1e-7.
 * Returns the place after the exponent, or NULL if there are no digits. To
 * avoid an overflow of *v, digits are ignored once *v is 1,000,000 or more,
 * which is far above the DIGITS_MAX digits that an integer may have. */
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

/* Splits the text of a number into its parts. Returns false if the text is not
 * a number. Allowed are the numbers of JSON and, in addition, a plus sign and
 * leading zeros, as in +007. */
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

/* Appends the number d in the form that JSON requires: without a plus sign
 * and leading zeros (+007 becomes 7). `end_of_text` is the end of the text
 * that d was parsed from. */
static void
decimal_append_as_json(
    const struct decimal *d, const char *end_of_text, struct buf *b)
{
	if (d->minus)
		buf_char(b, '-');
	buf_add(b, d->whole, (size_t)(end_of_text - d->whole));
}

/* Returns digit i of the number d. Digits are counted from 0, first those
 * before the decimal point, then those after it. After the last digit of d,
 * '0' is returned. */
static char
digit_or_zero_at(const struct decimal *d, size_t i)
{
	if (i < d->wholes)
		return d->whole[i];
	i -= d->wholes;
	if (i < d->fractions)
		return d->fraction[i];
	return '0';
}

/* Appends the number d as an integer without decimal point and exponent: 1.2e1
 * becomes 12. Returns false and appends nothing if d is not an integer or has
 * more than DIGITS_MAX digits. */
static bool
decimal_append_as_integer(const struct decimal *d, struct buf *b)
{
	long point = (long)d->wholes + d->exponent;
	size_t n = d->wholes + d->fractions, i = 0;
	size_t whole = point > 0 ? (size_t)point : 0;

	while (i < n && digit_or_zero_at(d, i) == '0')
		i++;
	if (i == n) {
		buf_char(b, '0');
		return true;
	}
	for (size_t k = n; k > whole; k--)
		if (digit_or_zero_at(d, k - 1) != '0')
			return false;
	if (whole > DIGITS_MAX + i)
		return false;
	if (d->minus)
		buf_char(b, '-');
	for (; i < whole; i++)
		buf_char(b, digit_or_zero_at(d, i));
	return true;
}

static jv
make_text_error(const struct module *n, const char *code, const char *p,
    size_t len, const char *what)
{
	return module_make_reject_error(code, "%s: '%.*s' is not %s",
	    n->op->name, (int)(len < SHOWN ? len : SHOWN), p, what);
}

static jv
make_not_number_error(const struct module *n, const char *p, size_t len)
{
	return make_text_error(n, "type", p, len, "a number");
}

/* Makes the error value for a text that is a number, but not an integer,
 * such as 1.5: to_int rejects it, because it would have to change the value. */
static jv
make_not_integer_error(const struct module *n, const char *p, size_t len)
{
	return make_text_error(n, "number", p, len, "an integer");
}

/* Sets *p and *len to the text of the argument of to_int or to_number. If the
 * argument is a number, its digits are appended to n->text, and *p points
 * there. If the argument is a string, *p is this string without white space at
 * both ends. Returns false for other types. */
static bool
get_digits_or_trimmed_string(struct module *n, const char **p, size_t *len)
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
	if (!get_digits_or_trimmed_string(n, &p, &len))
		return module_make_type_error(n, n->arg[0], "a number");
	if (!decimal_parse(&d, p, len))
		return make_not_number_error(n, p, len);
	from = n->text.len;
	if (!buf_reserve(&n->text, d.wholes + d.fractions + DIGITS_MAX + 2))
		return make_not_integer_error(n, p, len);
	/* If the argument is a number, d points to its digits in n->text.
	 * buf_reserve() may have moved n->text, so the digits are parsed
	 * again. */
	if (number)
		(void)decimal_parse(&d, n->text.data, from);
	if (!decimal_append_as_integer(&d, &n->text))
		return make_not_integer_error(
		    n, number ? n->text.data : p, len);
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
	if (!get_digits_or_trimmed_string(n, &p, &len))
		return module_make_type_error(n, v, "a number");
	if (!decimal_parse(&d, p, len))
		return make_not_number_error(n, p, len);
	decimal_append_as_json(&d, p + len, &n->text);
	p = n->text.data;
	len = n->text.len;
	size = number_put_shortest_nan_as_null(plain, number_to_double(p, len));
	if (number_equals(plain, size, p, len)) {
		p = plain;
		len = size;
	}
	return jv_number(numbers_add_made_number(n->numbers, p, len, false));
}
