#include "json/number.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Powers of ten with 128 bits. The 128-bit integer g = hi * 2^64 + lo stands
 * for 10^k = g * 2^(power_log2(k) - 127). The top bit of g is set. g is
 * rounded down, and exact if 0 <= k <= 55. */

enum { POWER_MIN = -351, POWER_MAX = 350 };

struct power {
	uint64_t hi, lo;
};

/* floor(log2(10^k)) */
static inline int
power_log2(int k)
{
	return (k * 1741647) >> 19;
}

enum { STEP = 27 };

__extension__ typedef unsigned __int128 wide;

/* 10^POWER_MIN and every 27th power from there, with 192 bits each, the
 * highest word first. */
static const uint64_t bases[][3] = {
	{ 0x8049a4ac0c5811ae, 0x205b896d777d6278,
	    0xac261e9f5141430b }, /* 1e-351 */
	{ 0xcf42894a5dce35ea, 0x52064cac828675b9,
	    0x475f2b7d7df1ad7a }, /* 1e-324 */
	{ 0xa76c582338ed2621, 0xaf2af2b80af6f24e,
	    0x657c8f4d43323a36 }, /* 1e-297 */
	{ 0x873e4f75e2224e68, 0x5a7744a6e804a291,
	    0xcc35eddfcf0996d7 }, /* 1e-270 */
	{ 0xda7f5bf590966848, 0xaf39a475506a899e,
	    0xa30294cc2934e662 }, /* 1e-243 */
	{ 0xb080392cc4349dec, 0xbd8d794d96aacfb3,
	    0xfe13a5c86af64418 }, /* 1e-216 */
	{ 0x8e938662882af53e, 0x547eb47b7282ee9c,
	    0x41b0230e1421487d }, /* 1e-189 */
	{ 0xe65829b3046b0afa, 0x0cb4a5a3112a5112,
	    0xa3b561b1cb208396 }, /* 1e-162 */
	{ 0xba121a4650e4ddeb, 0x92f34d62616ce413,
	    0x21a0183e10583cd3 }, /* 1e-135 */
	{ 0x964e858c91ba2655, 0x3a6a07f8d510f86f,
	    0xe9082f25e9c5e9ec }, /* 1e-108 */
	{ 0xf2d56790ab41c2a2, 0xfae27299423fb9c3,
	    0x3695dad7e8858901 }, /* 1e-81 */
	{ 0xc428d05aa4751e4c, 0xaa97e14c3c26b886,
	    0x96842dc95323f5a8 }, /* 1e-54 */
	{ 0x9e74d1b791e07e48, 0x775ea264cf55347d,
	    0xca49f1c05120c9c7 }, /* 1e-27 */
	{ 0x8000000000000000, 0x0000000000000000,
	    0x0000000000000000 }, /* 1e0 */
	{ 0xcecb8f27f4200f3a, 0x0000000000000000,
	    0x0000000000000000 }, /* 1e27 */
	{ 0xa70c3c40a64e6c51, 0x999090b65f67d924,
	    0x0000000000000000 }, /* 1e54 */
	{ 0x86f0ac99b4e8dafd, 0x69a028bb3ded71a3,
	    0xdf9f915627c04e28 }, /* 1e81 */
	{ 0xda01ee641a708de9, 0xe80e6f4820cc9495,
	    0xd74baad03bc1d8d3 }, /* 1e108 */
	{ 0xb01ae745b101e9e4, 0x5ec05dcff72e7f8f,
	    0xc04c79ffe324301f }, /* 1e135 */
	{ 0x8e41ade9fbebc27d, 0x14588f13be847307,
	    0x23bd6a2059c002f5 }, /* 1e162 */
	{ 0xe5d3ef282a242e81, 0x8f1668c8a86da5fa,
	    0xf0b5ccf5176ecc7c }, /* 1e189 */
	{ 0xb9a74a0637ce2ee1, 0x6d953e2bd7173692,
	    0x88efb0037ac08bde }, /* 1e216 */
	{ 0x95f83d0a1fb69cd9, 0x4abdaf101564f98e,
	    0x0d5a4af7b3a98e47 }, /* 1e243 */
	{ 0xf24a01a73cf2dccf, 0xbc633b39673c8cec,
	    0x3d9c44cd2f36917c }, /* 1e270 */
	{ 0xc3b8358109e84f07, 0x0a862f80ec4700c8,
	    0x02606ea01029dc37 }, /* 1e297 */
	{ 0x9e19db92b4e31ba9, 0x6c07a2c26a8346d1,
	    0x4944d9f52cd0dec2 }, /* 1e324 */
};

static const uint64_t fives[STEP] = {
	1U, 5U, 25U, 125U, 625U, 3125U, 15625U, 78125U, 390625U, 1953125U,
	9765625U, 48828125U, 244140625U, 1220703125U, UINT64_C(6103515625),
	UINT64_C(30517578125), UINT64_C(152587890625), UINT64_C(762939453125),
	UINT64_C(3814697265625), UINT64_C(19073486328125),
	UINT64_C(95367431640625), UINT64_C(476837158203125),
	UINT64_C(2384185791015625), UINT64_C(11920928955078125),
	UINT64_C(59604644775390625), UINT64_C(298023223876953125),
	UINT64_C(1490116119384765625)
};

static struct power
power_ten(int k)
{
	unsigned int i = (unsigned int)(k - POWER_MIN);
	const uint64_t *b = bases[i / STEP];
	uint64_t five = fives[i % STEP];
	wide hi, lo;

	five <<= __builtin_clzll(five);
	lo = ((wide)five * b[2] >> 64) + (wide)five * b[1];
	hi = (wide)five * b[0] + (lo >> 64);
	if (hi >> 127 == 0)
		hi = hi << 1 | (lo >> 63 & 1);
	return (struct power){ (uint64_t)(hi >> 64), (uint64_t)hi };
}

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

/* Finds the shortest decimal number that is read back as a given double, with
 * the Schubfach algorithm (R. Giulietti, "The Schubfach way to render doubles",
 * 2020). A double has the value c * 2^q. When decimal numbers are read, all
 * numbers in a small interval around a double are rounded to this double. The
 * algorithm takes the largest power of ten that is not wider than the interval.
 * Then only the multiples of this power just below and just above the double
 * need to be tested; multiples of ten times the power have one digit less, so
 * they are tested first. */

__extension__ typedef unsigned __int128 wide;

struct digits {
	uint64_t m;             /* m * 10^exp */
	int exp;
};

/* Returns the upper 128 bits of 10^k, rounded up. power_ten() rounds down. The
 * powers from 10^0 to 10^55 need no rounding: without the zero bits at their
 * end they fit into 128 bits. Adding 1 to the lower half (lo) never overflows:
 * no power has a lo with all bits set. */
static struct power
power_ten_up(int k)
{
	struct power g = power_ten(k);

	g.lo += k < 0 || k > 55;
	return g;
}

/* Returns the highest 64 bits of the product g * c. Their lowest bit is also
 * set if the bits that are cut off are more than the rounding error of g, so
 * that a comparison with the result gives the same answer as with the whole
 * product. */
static uint64_t
multiply_high(struct power g, uint64_t c)
{
	wide x = ((wide)g.lo * c >> 64) + (wide)g.hi * c;

	return (uint64_t)(x >> 64) | ((uint64_t)x > 1);
}

/* Finds the shortest decimal number that is read back as the double c * 2^q.
 * `narrow` is true if c is a power of two: the next lower double is then only
 * half as far away as the next higher one. 1262611 / 2^22 is log10(2), and
 * 524031 / 2^22 is log10(4/3). */
static struct digits
shortest_digits(uint64_t c, int q, bool narrow)
{
	int k = (q * 1262611 - (narrow ? 524031 : 0)) >> 22;
	int shift = q + power_log2(-k) + 1;
	struct power g = power_ten_up(-k);
	/* A decimal number exactly between two doubles is read back as the
	 * double with the even c. So if c is odd, the two ends of the interval
	 * do not belong to this double. */
	uint64_t odd = c & 1;
	uint64_t low = multiply_high(
			   g, (4 * c - (narrow ? 1 : 2)) << shift) +
		       odd;
	uint64_t mid = multiply_high(g, 4 * c << shift);
	uint64_t high = multiply_high(g, (4 * c + 2) << shift) - odd;
	uint64_t s = mid / 4, t = s / 10;
	bool down, up;

	down = low <= 40 * t;
	up = 40 * t + 40 <= high;
	if (s >= 10 && down != up)
		return (struct digits){ t + up, k + 1 };
	down = low <= 4 * s;
	up = 4 * s + 4 <= high;
	if (down == up)
		up = mid > 4 * s + 2 || (mid == 4 * s + 2 && (s & 1));
	return (struct digits){ s + up, k };
}

static struct digits
digits_from_double(double d)
{
	uint64_t bits, c;
	int e;

	memcpy(&bits, &d, sizeof(bits));
	c = bits & ((UINT64_C(1) << 52) - 1);
	e = (int)(bits >> 52 & 0x7ff);
	if (e == 0)
		return shortest_digits(c, -1074, false);
	return shortest_digits(c | UINT64_C(1) << 52, e - 1075,
	    c == 0 && e > 1);
}

/* Writes v in decimal digits without a NUL. Returns the number of digits. */
static size_t
put_uint(char *out, uint64_t v)
{
	char tmp[20];
	size_t n = 0;

	do
		tmp[sizeof(tmp) - ++n] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	memcpy(out, tmp + sizeof(tmp) - n, n);
	return n;
}

/* Writes n digits in the form D.DDDe+XX. e is the exponent of the first
 * digit. */
static char *
put_exponent(char *out, const char *digits, size_t n, int e)
{
	unsigned int u = (unsigned int)(e < 0 ? -e : e);

	*out++ = digits[0];
	if (n > 1) {
		*out++ = '.';
		memcpy(out, digits + 1, n - 1);
		out += n - 1;
	}
	*out++ = 'e';
	*out++ = e < 0 ? '-' : '+';
	if (u < 10)
		*out++ = '0';
	return out + put_uint(out, u);
}

/* Writes n digits with the decimal point after the first `whole` digits. If
 * `whole` is less than 1, writes "0." and -whole zeros before them. */
static char *
put_fixed(char *out, const char *digits, size_t n, int whole)
{
	size_t before = whole > 0 ? (size_t)whole : 0;

	if (before >= n) {
		memcpy(out, digits, n);
		memset(out + n, '0', before - n);
		return out + before;
	}
	if (whole <= 0) {
		*out++ = '0';
		*out++ = '.';
		memset(out, '0', (size_t)-whole);
		out += -whole;
	} else {
		memcpy(out, digits, before);
		out += before;
		*out++ = '.';
	}
	memcpy(out, digits + before, n - before);
	return out + n - before;
}

size_t
number_put_shortest(char out[NUMBER_TEXT], double d)
{
	static const char none[4] = { 'n', 'u', 'l', 'l' };
	char digits[20], *p = out;
	struct digits s;
	size_t n;
	int whole;

	if (d != d) {
		memcpy(out, none, sizeof(none));
		return sizeof(none);
	}
	if (__builtin_signbit(d)) {
		*p++ = '-';
		d = -d;
	}
	if (d > DBL_MAX)
		d = DBL_MAX;
	if (d < 9007199254740992.0 && d == (double)(uint64_t)d)
		return (size_t)(p - out) + put_uint(p, (uint64_t)d);
	s = digits_from_double(d);
	n = put_uint(digits, s.m);
	whole = s.exp + (int)n;
	while (digits[n - 1] == '0')
		n--;
	if (whole <= -4 || whole > (int)n + 15)
		p = put_exponent(p, digits, n, whole - 1);
	else
		p = put_fixed(p, digits, n, whole);
	return (size_t)(p - out);
}

void
number_put_real(struct buf *b, double d)
{
	char text[NUMBER_TEXT];
	size_t n = number_put_shortest(text, d);

	if (isinf(d)) {
		buf_str(b, d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
		return;
	}
	buf_add(b, text, n);
	if (memchr(text, '.', n) == NULL && memchr(text, 'e', n) == NULL)
		buf_add(b, ".0", 2);
}
