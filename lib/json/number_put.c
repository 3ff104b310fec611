#include "json/number.h"

#include "json/power.h"

#include <float.h>
#include <string.h>

/* Shortest digits by Schubfach: R. Giulietti, "The Schubfach way to render
 * doubles", 2020.  A double is c * 2^q; decimals are looked for in the
 * interval that reads back as it, at the power of ten 10^k just below the
 * interval's width, so that at most two candidates are there. */

__extension__ typedef unsigned __int128 wide;

struct digits {
	uint64_t m;             /* m * 10^exp */
	int exp;
};

/* 10^k, rounded up: no lo has all its bits set. */
static struct power
ten_up(int k)
{
	struct power g = power_ten(k);

	g.lo += k < 0 || k > 55;
	return g;
}

/* g * c, the bits below the point told by the lowest one. */
static uint64_t
scale(struct power g, uint64_t c)
{
	wide x = ((wide)g.lo * c >> 64) + (wide)g.hi * c;

	return (uint64_t)(x >> 64) | ((uint64_t)x > 1);
}

static struct digits
shortest(uint64_t c, int q, bool narrow)
{
	int k = (q * 1262611 - (narrow ? 524031 : 0)) >> 22;
	int shift = q + power_log2(-k) + 1;
	struct power g = ten_up(-k);
	uint64_t odd = c & 1;   /* the ends read back as an even neighbour */
	uint64_t low = scale(g, (4 * c - (narrow ? 1 : 2)) << shift) + odd;
	uint64_t mid = scale(g, 4 * c << shift);
	uint64_t high = scale(g, (4 * c + 2) << shift) - odd;
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
digits_of(double d)
{
	uint64_t bits, c;
	int e;

	memcpy(&bits, &d, sizeof(bits));
	c = bits & ((UINT64_C(1) << 52) - 1);
	e = (int)(bits >> 52 & 0x7ff);
	if (e == 0)
		return shortest(c, -1074, false);
	return shortest(c | UINT64_C(1) << 52, e - 1075, c == 0 && e > 1);
}

/* Decimal digits of v, not terminated: how many. */
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

/* n digits as D.DDDe+XX; e is the exponent of the first one. */
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

/* n digits, point after the first whole of them (less than 1: zeros). */
static char *
put_plain(char *out, const char *digits, size_t n, int whole)
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
number_put(char out[NUMBER_TEXT], double d)
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
	s = digits_of(d);
	n = put_uint(digits, s.m);
	whole = s.exp + (int)n;
	while (digits[n - 1] == '0')
		n--;
	if (whole <= -4 || whole > (int)n + 15)
		p = put_exponent(p, digits, n, whole - 1);
	else
		p = put_plain(p, digits, n, whole);
	return (size_t)(p - out);
}
