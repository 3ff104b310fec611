#include "base/base64.h"

#include <limits.h>
#include <stdint.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/* The value of each digit plus 1; 0: not a digit. */
static const unsigned char values[UCHAR_MAX + 1] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6,
	['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12,
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
	['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
	['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64
};

void
base64_put(struct buf *b, const void *data, size_t n)
{
	const unsigned char *p = data;
	char *to;

	if (!buf_reserve(b, (n + 2) / 3 * 4))
		return;
	to = b->data + b->len;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = (char)(i + 1 < n ? digits[v >> 6 & 63] : '=');
		*to++ = (char)(i + 2 < n ? digits[v & 63] : '=');
	}
	b->len = (size_t)(to - b->data);
}

static size_t
count_padding(const char *p, size_t n)
{
	size_t pad = 0;

	while (pad < 2 && pad < n && p[n - 1 - pad] == '=')
		pad++;
	return pad;
}

bool
base64_is_valid(const char *p, size_t n)
{
	const size_t length = n - count_padding(p, n);

	for (size_t i = 0; i < length; i++)
		if (values[(unsigned char)p[i]] == 0)
			return false;
	return n % 4 == 0;
}

/* Returns the 24 bits of a group of four characters, of which the first n are
 * digits and the others padding; -1 if one of the n is not a digit. */
static inline int
group_value(const char *p, size_t n)
{
	int v = 0, digit;

	for (size_t i = 0; i < 4; i++) {
		digit = i < n ? values[(unsigned char)p[i]] : 1;
		if (digit == 0)
			return -1;
		v = v << 6 | (digit - 1);
	}
	return v;
}

int
base64_get(struct buf *b, const char *p, size_t n)
{
	const size_t pad = count_padding(p, n);
	size_t len;
	char *to;
	int v;

	if (n % 4 != 0)
		return -1;
	if (n == 0 || !buf_reserve(b, n / 4 * 3 - pad))
		return 0;
	to = b->data + b->len;
	for (size_t i = 0; i < n; i += 4) {
		len = i + 4 == n ? 4 - pad : 4;
		if ((v = group_value(p + i, len)) == -1)
			return -1;
		for (size_t k = 0; k + 1 < len; k++)
			*to++ = (char)(v >> (16 - 8 * k) & 255);
	}
	b->len = (size_t)(to - b->data);
	return 0;
}
