#include "json/number.h"

#include "json/power.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEAD = 19,              /* digits that always fit into 64 bits */
	EXACT = 770             /* later digits never change the rounding to a
	                         * double */
};

__extension__ typedef unsigned __int128 wide;

/* A parsed number: the digits from first to end, read as one integer, times
 * 10^exp. The first and the last digit are not zero; a decimal point between
 * the digits is skipped. Example: 0.0120 has the digits 12 and the exp -3. */
struct decimal {
	const char *first, *end;        /* first is NULL for zero */
	uint64_t head;                  /* the first HEAD digits as a number */
	size_t n;                       /* number of digits */
	int64_t exp;
	bool neg, vast;                 /* vast: exponent beyond 10^17, exp is
	                                 * not exact */
};

static int64_t
parse_exponent(const char *p, const char *end, bool *vast)
{
	bool neg = *p == '-';
	int64_t v = 0;

	for (p += *p == '-' || *p == '+'; p < end; p++) {
		if (v > INT64_C(100000000000000000)) {
			*vast = true;
			break;
		}
		v = v * 10 + (*p - '0');
	}
	return neg ? -v : v;
}

static void
decimal_parse(struct decimal *d, const char *p, size_t n)
{
	const char *end = p + n;
	int64_t zeros = 0, scale = 0;
	bool point = false;

	*d = (struct decimal){ .neg = *p == '-' };
	for (p += d->neg; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		scale -= point;
		if (*p == '0') {
			zeros++;
			continue;
		}
		if (d->first == NULL) {
			d->first = p;
			zeros = 0;
		}
		for (d->n += (size_t)zeros; zeros > 0; zeros--)
			if (d->n - (size_t)zeros < HEAD)
				d->head *= 10;
		if (d->n++ < HEAD)
			d->head = d->head * 10 + (uint64_t)(*p - '0');
		d->end = p + 1;
	}
	d->exp = scale + zeros;
	if (p < end)
		d->exp += parse_exponent(p + 1, end, &d->vast);
}

/* Computes w * 10^k with 128 bits and rounds the product to a double. The power
 * of ten is rounded down, so the true product may be larger than the computed
 * product by up to 4 units of its last bit. If the two products could round to
 * different doubles, returns false. */
static bool
convert_by_product(uint64_t w, int k, double *out)
{
	int l = __builtin_clzll(w), e = power_log2(k) + 64 - l, keep = 53;
	struct power g = power_ten(k);
	wide x, rest, half;

	w <<= l;
	x = (wide)w * g.hi + ((wide)w * g.lo >> 64);
	if (x >> 127 == 0) {
		x <<= 1;
		e--;
	}
	if (e < -1022)                  /* e: exponent of the highest bit */
		keep = 53 - (-1022 - e);
	if (keep <= 0)
		return false;
	half = (wide)1 << (127 - keep);
	rest = x & (2 * half - 1);
	if (rest + 4 >= 2 * half || (rest <= half && rest + 4 >= half))
		return false;
	x = (x >> (128 - keep)) + (rest > half);
	*out = ldexp((double)(uint64_t)x, e - keep + 1);
	return true;
}

/* Converts the number with strtod(3). The text for strtod(3) is written without
 * a decimal point, as in 15e-1 for 1.5, because strtod(3) expects the decimal
 * point of the locale, which may be a comma. */
static double
convert_by_strtod(const struct decimal *d)
{
	char text[EXACT + 32];
	size_t n = 0;
	int64_t exp = d->exp + (int64_t)d->n;

	for (const char *p = d->first; p < d->end && n < EXACT; p++)
		if (*p != '.')
			text[n++] = *p;
	if (d->n > EXACT)
		text[n++] = '1';
	text[n] = 'e';
	exp -= (int64_t)n;
	if (exp < 0) {
		text[n + 1] = '-';
		exp = -exp;
	} else {
		text[n + 1] = '+';
	}
	for (int i = 4; i > 0; i--, exp /= 10)
		text[n + 1 + (size_t)i] = (char)('0' + exp % 10);
	text[n + 6] = '\0';
	return strtod(text, NULL);
}

static double
convert_magnitude(const struct decimal *d)
{
	static const double tens[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
		1e22
	};
	int64_t e = d->exp + (int64_t)(d->n > HEAD ? d->n - HEAD : 0);
	double low, high;

	if (d->first == NULL || d->exp + (int64_t)d->n < -325)
		return 0;
	if (d->exp + (int64_t)d->n > 310)
		return HUGE_VAL;
	if (d->head <= UINT64_C(1) << 53) {
		if (e >= 0 && e <= 22)
			return (double)d->head * tens[e];
		if (e < 0 && e >= -22)
			return (double)d->head / tens[-e];
	}
	if (convert_by_product(d->head, (int)e, &low) && (d->n <= HEAD ||
	    (convert_by_product(d->head + 1, (int)e, &high) && low == high)))
		return low;
	return convert_by_strtod(d);
}

/* Reads an integer of up to 15 digits, perhaps after a minus sign, which is the
 * usual form of a number. Returns false for all other numbers: these need the
 * slower decimal_parse(). */
static bool
parse_short_int(const char *p, size_t n, int64_t *v)
{
	bool neg = *p == '-';
	int64_t sum = 0;

	if (n - neg > 15)
		return false;
	for (size_t i = neg; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		sum = sum * 10 + (p[i] - '0');
	}
	*v = neg ? -sum : sum;
	return true;
}

double
number_to_double(const char *p, size_t n)
{
	struct decimal d;
	int64_t v;
	double m;

	if (parse_short_int(p, n, &v))
		return v == 0 && *p == '-' ? -0.0 : (double)v;
	decimal_parse(&d, p, n);
	m = convert_magnitude(&d);
	return d.neg ? -m : m;
}

bool
number_to_int64(const char *p, size_t n, int64_t *v)
{
	struct decimal d;
	uint64_t u;

	if (parse_short_int(p, n, v))
		return true;
	decimal_parse(&d, p, n);
	*v = 0;
	if (d.first == NULL)
		return true;
	if (d.vast || d.exp < 0 || d.exp + (int64_t)d.n > HEAD)
		return false;
	u = d.head;
	for (int64_t i = 0; i < d.exp; i++)
		u *= 10;
	if (u > (uint64_t)INT64_MAX + d.neg)
		return false;
	*v = d.neg ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

bool
number_is_integer(const char *p, size_t n)
{
	struct decimal d;

	decimal_parse(&d, p, n);
	return d.first == NULL || d.exp >= 0;
}

/* Returns true if two numbers that have the same number of digits have the same
 * digits. Decimal points are skipped. */
static bool
same_digits(const struct decimal *a, const struct decimal *b)
{
	const char *p = a->first, *q = b->first;

	while (p < a->end) {
		p += *p == '.';
		q += *q == '.';
		if (*p++ != *q++)
			return false;
	}
	return true;
}

bool
number_equals(const char *a, size_t an, const char *b, size_t bn)
{
	struct decimal x, y;

	if (an == bn && memcmp(a, b, an) == 0)
		return true;
	decimal_parse(&x, a, an);
	decimal_parse(&y, b, bn);
	if (x.first == NULL || y.first == NULL)
		return x.first == y.first;
	if (x.vast || y.vast)
		return false;
	return x.neg == y.neg && x.n == y.n && x.exp == y.exp &&
	    same_digits(&x, &y);
}

/* If the exponent is beyond 10^17, decimal_parse() does not store it, and
 * number_equals() finds no other number equal. So the form is then "v" and the
 * text itself. No other form begins with v. */
void
number_put_normal(struct buf *b, const char *p, size_t n)
{
	struct decimal d;
	const char *dot;

	decimal_parse(&d, p, n);
	if (d.neg)
		buf_char(b, '-');
	if (d.first == NULL) {
		buf_char(b, '0');
	} else if (d.vast) {
		buf_char(b, 'v');
		buf_add(b, p, n);
	} else {
		n = (size_t)(d.end - d.first);
		if ((dot = memchr(d.first, '.', n)) == NULL)
			dot = d.end;
		buf_add(b, d.first, (size_t)(dot - d.first));
		if (dot < d.end)
			buf_add(b, dot + 1, (size_t)(d.end - dot - 1));
		buf_printf(b, "e%lld", (long long)d.exp);
	}
}

/* Appends the digits of the number. If there are more than `whole` digits,
 * appends a decimal point after the first `whole` of them. */
static void
put_digits(struct buf *b, const struct decimal *d, size_t whole)
{
	size_t i = 0;

	for (const char *p = d->first; p < d->end; p++) {
		if (*p == '.')
			continue;
		if (i++ == whole)
			buf_char(b, '.');
		buf_char(b, *p);
	}
}

/* Follows the steps of Number::toString in ECMA-262. */
bool
number_put_ecma(struct buf *b, const char *p, size_t n)
{
	struct decimal d;
	int64_t whole;          /* digits before the point; -1: 0.0x */

	decimal_parse(&d, p, n);
	if (d.first == NULL) {
		buf_char(b, '0');
		return true;
	}
	whole = d.exp + (int64_t)d.n;
	if (d.neg)
		buf_char(b, '-');
	if (whole <= -6 || whole > 21) {
		put_digits(b, &d, 1);
		buf_printf(b, "e%+lld", (long long)whole - 1);
	} else if (whole <= 0) {
		buf_str(b, "0.");
		for (; whole < 0; whole++)
			buf_char(b, '0');
		put_digits(b, &d, SIZE_MAX);
	} else {
		put_digits(b, &d, (size_t)whole);
		for (; whole > (int64_t)d.n; whole--)
			buf_char(b, '0');
	}
	return !d.vast;
}

static int
sign(const struct decimal *d)
{
	return d->first == NULL ? 0 : d->neg ? -1 : 1;
}

/* Compares the absolute values of two numbers that are not zero. */
static int
compare_magnitudes(const struct decimal *a, const struct decimal *b)
{
	int64_t i = a->exp + (int64_t)a->n, k = b->exp + (int64_t)b->n;
	const char *p = a->first, *q = b->first;

	if (i != k)
		return i < k ? -1 : 1;
	while (p < a->end && q < b->end) {
		p += *p == '.';
		q += *q == '.';
		if (*p != *q)
			return *p < *q ? -1 : 1;
		p++;
		q++;
	}
	return (p < a->end) - (q < b->end);
}

int
number_compare(const char *a, size_t an, const char *b, size_t bn)
{
	struct decimal x, y;

	decimal_parse(&x, a, an);
	decimal_parse(&y, b, bn);
	if (sign(&x) != sign(&y))
		return sign(&x) < sign(&y) ? -1 : 1;
	return sign(&x) == 0 ? 0 : sign(&x) * compare_magnitudes(&x, &y);
}
