#include "module/decimal.h"

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
 * which is far above the DECIMAL_DIGITS_MAX digits that an integer may have. */
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
	for (; from < p && *v < DECIMAL_DIGITS_MAX * 1000L; from++)
		*v = *v * 10 + (*from - '0');
	if (minus)
		*v = -*v;
	return n > 0 ? p : NULL;
}

/* Splits the text of a number into its parts. Returns false if the text is not
 * a number. Allowed are the numbers of JSON and, in addition, a plus sign and
 * leading zeros, as in +007. */
bool
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
void
decimal_put_json(const struct decimal *d, const char *end_of_text,
    struct buf *b)
{
	if (d->minus)
		buf_char(b, '-');
	buf_add(b, d->whole, (size_t)(end_of_text - d->whole));
}

/* Returns digit i of the number d. Digits are counted from 0, first those
 * before the decimal point, then those after it. After the last digit of d,
 * '0' is returned. */
static char
get_digit(const struct decimal *d, size_t i)
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
 * more than DECIMAL_DIGITS_MAX digits. */
bool
decimal_put_integer(const struct decimal *d, struct buf *b)
{
	long point = (long)d->wholes + d->exponent;
	size_t n = d->wholes + d->fractions, i = 0;
	size_t whole = point > 0 ? (size_t)point : 0;

	while (i < n && get_digit(d, i) == '0')
		i++;
	if (i == n) {
		buf_char(b, '0');
		return true;
	}
	for (size_t k = n; k > whole; k--)
		if (get_digit(d, k - 1) != '0')
			return false;
	if (whole > DECIMAL_DIGITS_MAX + i)
		return false;
	if (d->minus)
		buf_char(b, '-');
	for (; i < whole; i++)
		buf_char(b, get_digit(d, i));
	return true;
}
