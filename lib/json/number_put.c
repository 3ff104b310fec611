#include "json/number.h"

#include "json/power.h"

#include <float.h>
#include <math.h>
#include <string.h>

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
