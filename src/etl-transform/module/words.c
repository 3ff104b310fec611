#include "module/words.h"

#include "base/text.h"
#include "json/span.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

struct words {
	locale_t locale;
	wctype_t mark;          /* class of the combining marks */
};

int
words_open(struct words **w, struct err *e)
{
	if ((*w = calloc(1, sizeof(**w))) == NULL)
		return err_nomem(e);
	(*w)->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if ((*w)->locale == (locale_t)0)
		return err_set(e, ERR_INPUT, false, "the locale C.UTF-8 is not "
		    "installed: install it (etl-transform needs its tables "
		    "of letters)");
	(*w)->mark = wctype_l("combining", (*w)->locale);
	return 0;
}

void
words_close(struct words *w)
{
	if (w != NULL && w->locale != (locale_t)0)
		freelocale(w->locale);
	free(w);
}

static bool
is_wide_space(unsigned int c)
{
	return c == 0x85 || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	    c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Returns the number of bytes of the white space character at p, or 0 if the
 * character at p is not white space. */
static inline size_t
space_length_at(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	unsigned int wide;
	size_t n;

	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	if (c != 0xc2 && (c < 0xe1 || c > 0xe3))
		return 0;
	n = utf8_decode(p, (size_t)(end - p), &wide);
	return is_wide_space(wide) ? n : 0;
}

static const char *
skip_space(const char *p, const char *end)
{
	size_t n;

	while (p < end && (n = space_length_at(p, end)) > 0)
		p += n;
	return p;
}

static const char *
skip_word(const char *p, const char *end)
{
	while (p < end && space_length_at(p, end) == 0)
		p++;
	return p;
}

/* w contains 8 characters. Returns true if each byte is from 0x20 to 0x7f, so
 * all are ASCII and none is a control character below the space. */
static inline bool
is_all_printable(uint64_t w)
{
	return ((w | (w - SPAN_EACH(0x20))) & SPAN_EACH(0x80)) == 0;
}

/* w contains 8 characters, each from 0x20 to 0x7f. Returns 8 bytes: 0x80 for
 * each byte of w that is a space (0x20), 0 for each other byte. */
static inline uint64_t
space_bits(uint64_t w)
{
	return ~((w ^ SPAN_EACH(0x20)) + SPAN_EACH(0x7f)) & SPAN_EACH(0x80);
}

/* Copies the byte or white space character at p to *to, so that each run of
 * white space becomes one space: a white space character is copied as a
 * space, or left out if white space is before it (*after_space is true).
 * Sets *after_space for the next call and returns the place after the
 * character. */
static const char *
copy_collapsed(char **to, const char *p, const char *end, bool *after_space)
{
	size_t n = space_length_at(p, end);

	if (n == 0) {
		*(*to)++ = *p;
		*after_space = false;
		return p + 1;
	}
	if (!*after_space)
		*(*to)++ = ' ';
	*after_space = true;
	return p + n;
}

void
words_normalize(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n, *stop;
	bool after_space = true;
	char *to;

	if (!buf_reserve(b, n + sizeof(uint64_t)))
		return;
	to = b->data + b->len;
	while (p < end) {
		uint64_t w = end - p >= 8 ? span_load(p) : 0, m = space_bits(w);

		if (is_all_printable(w) &&
		    (m & (m << 8 | (after_space ? 0x80 : 0))) == 0) {
			memcpy(to, p, 8);
			to += 8;
			p += 8;
			after_space = m >> 63 != 0;
			continue;
		}
		stop = end - p >= 8 ? p + 8 : end;
		while (p < stop)
			p = copy_collapsed(&to, p, end, &after_space);
	}
	if (after_space && to > b->data + b->len)
		to--;
	b->len = (size_t)(to - b->data);
}

size_t
words_count(const char *p, size_t n)
{
	const char *end = p + n, *stop;
	size_t count = 0, len;
	bool after_space = true;

	while (p < end) {
		uint64_t w = end - p >= 8 ? span_load(p) : 0;
		uint64_t m = space_bits(w), starts;

		if (is_all_printable(w)) {
			starts = ~m & (m << 8 | (after_space ? 0x80 : 0));
			starts = starts >> 7 & SPAN_EACH(1);
			count += (starts * SPAN_EACH(1)) >> 56;
			after_space = m >> 63 != 0;
			p += 8;
			continue;
		}
		for (stop = end - p >= 8 ? p + 8 : end; p < stop; p += len) {
			bool space = (len = space_length_at(p, end)) > 0;

			count += after_space && !space;
			after_space = space;
			len += !space;
		}
	}
	return count;
}

const char *
words_trim(const char *p, size_t *n)
{
	const char *end = p + *n, *q, *last;

	p = last = q = skip_space(p, end);
	while (q < end) {
		last = skip_word(q, end);
		q = skip_space(last, end);
	}
	*n = (size_t)(last - p);
	return p;
}

/* True if the character can be inside a word. */
static bool
is_in_word(const struct words *w, unsigned int c)
{
	return c == 0x2019 || iswalnum_l((wint_t)c, w->locale) ||
	    iswctype_l((wint_t)c, w->mark, w->locale);
}

/* Returns the letter c as it is written at the start of a word in title case.
 * For most letters this is the upper case letter. Exceptions are letters that
 * are a pair, such as U+01C6 (dz), of which only the first half becomes a
 * capital, and Georgian letters, which are not changed, because Georgian uses
 * capitals only for words that are all capitals. */
static unsigned int
to_title_case(const struct words *w, unsigned int c)
{
	if (c >= 0x1c4 && c <= 0x1cc)
		return c - (c - 0x1c4) % 3 + 1;
	if (c >= 0x1f1 && c <= 0x1f3)
		return 0x1f2;
	if (c >= 0x10d0 && c <= 0x10ff)
		return c;
	return (unsigned int)towupper_l((wint_t)c, w->locale);
}

/* Appends the non-ASCII character at p to b in title case: upper case at the
 * start of a word, lower case inside a word. *inside is true if the character
 * before it is part of a word; it is updated. U+2019 is an apostrophe, which
 * does not end a word. Returns the number of bytes of the character at p. */
static size_t
put_wide_title(const struct words *w, struct buf *b, const char *p, size_t n,
    bool *inside)
{
	unsigned int c;
	size_t len = utf8_decode(p, n, &c);
	char text[4];

	if (!is_in_word(w, c)) {
		*inside = false;
		buf_add(b, p, len);
		return len;
	}
	if (c != 0x2019) {
		c = *inside ? (unsigned int)towlower_l((wint_t)c, w->locale) :
		    to_title_case(w, c);
		*inside = true;
	}
	buf_add(b, text, utf8_encode(text, c));
	return len;
}

/* Copies ASCII characters from p to `to` in title case: upper case at the start
 * of a word, lower case inside a word. *inside is true if the character before
 * is part of a word; it is updated. Stops at the first non-ASCII character and
 * returns its place. The caller has made room at `to`. */
static const char *
copy_ascii_title(char *to, const char *p, const char *end, bool *inside)
{
	for (; p < end && (unsigned char)*p < 0x80; p++, to++) {
		unsigned char c = (unsigned char)*p;
		bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

		if (letter)
			c = *inside ? c | 0x20 : c & 0xdf;
		*inside = letter || (c >= '0' && c <= '9') ||
		    (*inside && c == '\'');
		*to = (char)c;
	}
	return p;
}

void
words_title_case(struct words *w, struct buf *b, const char *p, size_t n)
{
	const char *end = p + n, *from;
	bool inside = false;

	while (p < end && buf_reserve(b, (size_t)(end - p))) {
		from = p;
		p = copy_ascii_title(b->data + b->len, p, end, &inside);
		b->len += (size_t)(p - from);
		if (p < end)
			p += put_wide_title(w, b, p, (size_t)(end - p),
			    &inside);
	}
}

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
