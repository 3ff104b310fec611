#include "text.h"

#include "hex.h"

#include <string.h>

/* Accepts only the well-formed sequences of table 3-7 of the Unicode
 * Standard. */
size_t
utf8_decode(const char *text, size_t n, unsigned int *cp)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int low = 0x80, high = 0xbf, c;
	size_t len;

	if (n == 0)
		return 0;
	c = p[0];
	if (c < 0x80) {
		*cp = c;
		return 1;
	}
	if (c < 0xc2 || c > 0xf4)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	c &= 0x3fu >> (len - 1);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*cp = c;
	return len;
}

size_t
utf8_encode(char out[4], unsigned int cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

size_t
utf8_valid_length(const char *p, size_t n)
{
	size_t at = 0, len;
	unsigned int cp;

	while (at < n) {
		if ((unsigned char)p[at] < 0x80) {
			at++;
			continue;
		}
		if ((len = utf8_decode(p + at, n - at, &cp)) == 0)
			break;
		at += len;
	}
	return at;
}

/* Returns true for characters that control a terminal: they can move the
 * cursor, change colours or reverse the reading order. */
static bool
is_terminal_control(unsigned int cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) ||
	    cp == 0x61c || cp == 0x200e || cp == 0x200f ||
	    (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

static bool
is_printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

size_t
text_cut_length(const char *p, size_t n, size_t most)
{
	size_t at = most;

	if (n <= most)
		return n;
	while (at > 0 && most - at < 3 && ((unsigned char)p[at] & 0xc0) == 0x80)
		at--;
	return ((unsigned char)p[at] & 0xc0) == 0x80 ? most : at;
}

/* Used by text_show(): appends the character at p, which is not printable
 * ASCII. Returns its length in bytes. */
static size_t
put_non_ascii(struct buf *b, const char *p, size_t n)
{
	unsigned int cp = 0;
	size_t len = utf8_decode(p, n, &cp);

	if (len == 0) {
		buf_str(b, "\\x");
		hex_append(b, p, 1);
		return 1;
	}
	if (!is_terminal_control(cp))
		buf_add(b, p, len);
	else if (cp == '\n')
		buf_str(b, "\\n");
	else if (cp == '\t')
		buf_str(b, "\\t");
	else if (cp == '\r')
		buf_str(b, "\\r");
	else
		buf_printf(b, "\\u%04x", cp);
	return len;
}

void
text_show(struct buf *b, const char *p, size_t n)
{
	for (size_t at = 0, start = 0; start < n; start = at) {
		while (at < n && is_printable(p[at]))
			at++;
		buf_add(b, p + start, at - start);
		if (at < n)
			at += put_non_ascii(b, p + at, n - at);
	}
}

void
text_show_lines(struct buf *b, const char *p, size_t n, const char *indent)
{
	const size_t width = strlen(indent);
	const char *end = p + n, *lf;

	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		text_show(b, p, (size_t)(lf - p));
		buf_char(b, '\n');
		p = lf + 1;
		if (p < end && ((size_t)(end - p) < width ||
		    memcmp(p, indent, width) != 0))
			buf_str(b, indent);
	}
	text_show(b, p, (size_t)(end - p));
}

void
text_put_ascii(struct buf *b, const char *p, size_t n)
{
	unsigned int cp;
	size_t len;

	for (; n > 0; p += len, n -= len) {
		if ((len = utf8_decode(p, n, &cp)) == 0) {
			len = 1;
			cp = 0xfffd;
		}
		if (cp < 0x80)
			buf_char(b, *p);
		else if (cp < 0x10000)
			buf_printf(b, "\\u%04x", cp);
		else
			buf_printf(b, "\\u%04x\\u%04x",
			    0xd7c0 + (cp >> 10), 0xdc00 + (cp & 0x3ff));
	}
}

size_t
text_count_digits(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

int
text_parse_hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit_value(p[i]);

		if (digit == -1)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

size_t
text_count_chars(const char *p, size_t n)
{
	size_t characters = 0;

	for (size_t i = 0; i < n; i++)
		characters += ((unsigned char)p[i] & 0xc0) != 0x80;
	return characters;
}
