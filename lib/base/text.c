#include "base/text.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
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

void
put_shell_word(struct buf *b, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
	size_t n = strlen(word), part;

	if (n > 0 && strspn(word, plain) == n) {
		buf_add(b, word, n);
		return;
	}
	buf_char(b, '\'');
	for (; n > 0; word += part, n -= part) {
		part = strcspn(word, "'");
		text_show(b, word, part);
		if (part < n) {
			buf_str(b, "'\\''");
			part++;
		}
	}
	buf_char(b, '\'');
}

void
message_shape(char *out, size_t size, const char *m)
{
	size_t n = 0;

	while (*m != '\0' && n < size - 1) {
		const char *close = *m == '\'' || *m == '"' ?
		    strchr(m + 1, *m) : NULL;

		out[n] = *m;
		if (close != NULL)
			m = close;
		else if (isdigit((unsigned char)*m))
			while (isdigit((unsigned char)m[1]))
				m++;
		if (isdigit((unsigned char)out[n]))
			out[n] = '0';
		n++;
		m++;
	}
	out[n] = '\0';
}

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

int
name_check(const char *option, const char *name, size_t most, struct err *e)
{
	size_t n = strlen(name);
	struct buf shown;
	bool plain, nomem;

	/* text_show() writes a character that it escapes as up to 8 bytes. If
	 * the shown text equals the name, the name has no such character. */
	buf_init(&shown, 8 * most + 1);
	if (n <= most)
		text_show(&shown, name, n);
	plain = n > 0 && shown.len == n && memcmp(shown.data, name, n) == 0;
	nomem = shown.failed && !shown.full;
	buf_release(&shown);
	if (nomem)
		return err_nomem(e);
	if (plain)
		return 0;
	return err_set(e, ERR_USAGE, false, "%s: must be 1 to %zu bytes of "
	    "text without control characters", option, most);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Returns the edit distance of the words a and b: the least number of
 * characters to insert, delete, replace or swap with a neighbour to turn a into
 * b. The table of distances is computed row by row; three rows are kept because
 * a swap looks two rows back. */
static size_t
edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][SUGGEST_LONGEST + 1];

	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1,
			    above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j],
				    rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

void
suggest_try(struct suggestion *s, const char *word)
{
	size_t typed = strlen(s->typed), other = strlen(word), d;
	size_t longer = typed > other ? typed : other;

	if (typed == 0 || other == 0 || longer > SUGGEST_LONGEST)
		return;
	d = edit_distance(s->typed, typed, word, other);
	if (d >= longer || 3 * d > longer + 1)
		return;
	if (s->word[0] == '\0' || d < s->distance) {
		memcpy(s->word, word, other + 1);
		s->distance = d;
	}
}

void
suggest_put(struct err *e, const struct suggestion *s, const char *prefix)
{
	size_t used = strlen(e->msg);

	if (s->word[0] != '\0')
		(void)snprintf(e->msg + used, sizeof(e->msg) - used,
		    "; did you mean %s%s?", prefix, s->word);
}

int
suggest_choice(const char *option, const char *value, const char *const *words,
    struct err *e)
{
	struct suggestion near = { .typed = value };
	struct buf list;
	int n = 0;

	for (; words[n] != NULL; n++) {
		if (strcmp(value, words[n]) == 0)
			return n;
		suggest_try(&near, words[n]);
	}
	buf_init(&list, SIZE_MAX / 4);
	for (int i = 0; i < n; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : i < n - 1 ? ", " :
		    " or ", words[i]);
	if (buf_check(&list, e) == 0) {
		(void)err_set(e, ERR_USAGE, false, "%s %s: it must be %s",
		    option, value, buf_text(&list));
		suggest_put(e, &near, "");
	}
	buf_release(&list);
	return -1;
}
