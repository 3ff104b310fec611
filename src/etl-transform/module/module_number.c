#include "module/module.h"

#include "json/number.h"

#include <math.h>
#include <string.h>

enum { DIGITS_MAX = 1000, SHOWN = 60 };

/* A number in parts: sign, digits without the dot, and where it stood. */
struct decimal {
	bool minus;
	const char *whole, *fraction;
	size_t wholes, fractions;
	long exponent;
};

static const char *
digits(const char *p, const char *end, size_t *n)
{
	const char *from = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	*n = (size_t)(p - from);
	return p;
}

static const char *
exponent(const char *p, const char *end, long *v)
{
	bool minus = p < end && *p == '-';
	size_t n;
	const char *from;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	from = p;
	p = digits(p, end, &n);
	*v = 0;
	for (; from < p && *v < DIGITS_MAX * 1000L; from++)
		*v = *v * 10 + (*from - '0');
	if (minus)
		*v = -*v;
	return n > 0 ? p : NULL;
}

/* JSON's grammar, and with it a plus sign and zeros in front. */
static bool
decimal_parse(struct decimal *d, const char *p, size_t n)
{
	const char *end = p + n;

	*d = (struct decimal){ .minus = p < end && *p == '-' };
	if (p < end && (*p == '-' || *p == '+'))
		p++;
	d->whole = p;
	p = digits(p, end, &d->wholes);
	if (d->wholes == 0)
		return false;
	d->fraction = p;
	if (p < end && *p == '.') {
		d->fraction = ++p;
		p = digits(p, end, &d->fractions);
		if (d->fractions == 0)
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E'))
		p = exponent(p + 1, end, &d->exponent);
	while (d->wholes > 1 && *d->whole == '0') {
		d->whole++;
		d->wholes--;
	}
	return p == end;
}

/* The token that JSON has for it. */
static void
decimal_token(const struct decimal *d, const char *end, struct buf *b)
{
	if (d->minus)
		buf_char(b, '-');
	buf_add(b, d->whole, (size_t)(end - d->whole));
}

static char
digit(const struct decimal *d, size_t i)
{
	if (i < d->wholes)
		return d->whole[i];
	i -= d->wholes;
	if (i < d->fractions)
		return d->fraction[i];
	return '0';
}

/* Its plain digits, where it is an integer of bearable length. */
static bool
decimal_integer(const struct decimal *d, struct buf *b)
{
	long point = (long)d->wholes + d->exponent;
	size_t n = d->wholes + d->fractions, i = 0;
	size_t whole = point > 0 ? (size_t)point : 0;

	while (i < n && digit(d, i) == '0')
		i++;
	if (i == n) {
		buf_char(b, '0');
		return true;
	}
	for (size_t k = n; k > whole; k--)
		if (digit(d, k - 1) != '0')
			return false;
	if (whole > DIGITS_MAX + i)
		return false;
	if (d->minus)
		buf_char(b, '-');
	for (; i < whole; i++)
		buf_char(b, digit(d, i));
	return true;
}

static jv
refuse(const struct module *n, const char *code, const char *p, size_t len,
    const char *what)
{
	return module_reject(code, "%s: '%.*s' is not %s", n->op->name,
	    (int)(len < SHOWN ? len : SHOWN), p, what);
}

static jv
no_number(const struct module *n, const char *p, size_t len)
{
	return refuse(n, "type", p, len, "a number");
}

/* A number, but the result would be another one. */
static jv
no_integer(const struct module *n, const char *p, size_t len)
{
	return refuse(n, "number", p, len, "an integer");
}

/* The text of the argument, of a string or a number, in n->text. */
static bool
source(struct module *n, const char **p, size_t *len)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) == JV_KIND_NUMBER) {
		numbers_text(n->numbers, jv_number_value(v), &n->text);
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
	if (!source(n, &p, &len))
		return module_type(n, n->arg[0], "a number");
	if (!decimal_parse(&d, p, len))
		return no_number(n, p, len);
	from = n->text.len;
	if (!buf_room(&n->text, d.wholes + d.fractions + DIGITS_MAX + 2))
		return no_integer(n, p, len);
	if (number)     /* its text stands in the buffer, which has moved */
		(void)decimal_parse(&d, n->text.data, from);
	if (!decimal_integer(&d, &n->text))
		return no_integer(n, number ? n->text.data : p, len);
	return jv_number(numbers_add(n->numbers, n->text.data + from,
	    n->text.len - from, number));
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
	if (!source(n, &p, &len))
		return module_type(n, v, "a number");
	if (!decimal_parse(&d, p, len))
		return no_number(n, p, len);
	decimal_token(&d, p + len, &n->text);
	p = n->text.data;
	len = n->text.len;
	size = number_put(plain, number_double(p, len));
	if (number_same(plain, size, p, len)) {
		p = plain;
		len = size;
	}
	return jv_number(numbers_add(n->numbers, p, len, false));
}
