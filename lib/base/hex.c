#include "hex.h"

void
hex_put_byte(char out[2], unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = digits[c >> 4];
	out[1] = digits[c & 15];
}

void
hex_append(struct buf *b, const void *p, size_t n)
{
	const unsigned char *bytes = p;

	if (!buf_reserve(b, n * 2))
		return;
	for (size_t i = 0; i < n; i++, b->len += 2)
		hex_put_byte(b->data + b->len, bytes[i]);
}

int
hex_digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
hex_byte_value(const char *p)
{
	int high = hex_digit_value(p[0]);
	int low = high == -1 ? -1 : hex_digit_value(p[1]);

	return low == -1 ? -1 : high << 4 | low;
}
