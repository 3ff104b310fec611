#include "json/write.h"

#include "base/text.h"
#include "json/name.h"
#include "json/number.h"
#include "json/span.h"

#include <limits.h>
#include <stdlib.h>

/* Collects short pieces of a string, so that one buf_add() appends them all.
 * This saves time: a JSON text inside a string has an escape sequence every few
 * bytes. */
enum { ESCAPE_MAX = 6 };
struct pieces {
	char p[256];            /* after put_piece() there is
	                         * always room for an escape sequence or a
	                         * character */
	size_t n;
};

static inline void
flush_pieces(struct buf *b, struct pieces *s)
{
	buf_add(b, s->p, s->n);
	s->n = 0;
}

/* Collects a piece of the string. If it does not fit, first appends the
 * collected pieces, and then this one. */
static inline void
put_piece(struct buf *b, struct pieces *s, const char *p, size_t n)
{
	if (s->n + n > sizeof(s->p) - ESCAPE_MAX) {
		flush_pieces(b, s);
		buf_add(b, p, n);
	} else if (n > 0) {
		memcpy(s->p + s->n, p, n);
		s->n += n;
	}
}

static inline size_t
write_escape(char out[ESCAPE_MAX], unsigned char c)
{
	static const char letter[UCHAR_MAX + 1] = { ['"'] = '"',
		['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n',
		['\r'] = 'r', ['\t'] = 't' };

	out[0] = '\\';
	if (letter[c] != '\0') {
		out[1] = letter[c];
		return 2;
	}
	out[1] = 'u';
	out[2] = out[3] = '0';
	hex_put_byte(out + 4, c);
	return 6;
}

static void
put_string(struct buf *b, const char *p, size_t n, bool escape_del)
{
	const char *end = n ? p + n : p, *q;    /* if n is 0, p may be NULL */
	struct pieces s;

	s.p[0] = '"';
	s.n = 1;
	for (;; p = q + 1) {
		q = span_unescaped(p, end);
		put_piece(b, &s, p, (size_t)(q - p));
		if (q == end)
			break;
		if (*q == 0x7f && !escape_del)
			s.p[s.n++] = *q;
		else
			s.n += write_escape(s.p + s.n, (unsigned char)*q);
	}
	s.p[s.n++] = '"';
	flush_pieces(b, &s);
}

void
json_put_string(struct buf *b, const char *p, size_t n)
{
	put_string(b, p, n, true);
}

void
json_put_canon_string(struct buf *b, const char *p, size_t n)
{
	put_string(b, p, n, false);
}

/* Appends the name of a member and a colon, with a comma before it unless it is
 * the first member. */
static void
put_member_name(struct buf *b, const char *name)
{
	if (b->len > 0 && b->data[b->len - 1] != '{')
		buf_char(b, ',');
	json_put_string(b, name, strlen(name));
	buf_char(b, ':');
}

void
json_put_member(struct buf *b, const char *name, const char *p, size_t n)
{
	put_member_name(b, name);
	json_put_string(b, p, n);
}

void
json_put_text(struct buf *b, const char *name, const char *s)
{
	json_put_member(b, name, s, strlen(s));
}

void
json_put_int(struct buf *b, const char *name, int64_t v)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	put_member_name(b, name);
	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10) != 0);
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

void
json_put_raw(struct buf *b, const char *name, const char *p, size_t n)
{
	put_member_name(b, name);
	buf_add(b, p, n);
}

/* Returns the position after the JSON string whose opening quote is at p. A
 * quote ends the string unless a backslash stands before it. That backslash may
 * be escaped itself, so the string is then read from its start. */
static const char *
skip_string(const char *p, const char *end)
{
	const char *q = memchr(p + 1, '"', (size_t)(end - p - 1));

	if (q[-1] != '\\')
		return q + 1;
	for (p = span_quoted(p + 1, end); *p != '"'; p = span_quoted(p, end))
		p += 2;
	return p + 1;
}

/* Appends a JSON text of n bytes, without the white space between its tokens.
 * The caller has checked that n bytes fit into b->max. */
static void
put_compact(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n, *from;
	char *to;

	if (!buf_reserve(b, n))
		return;
	to = b->data + b->len;
	while (p < end) {
		from = p;
		if (*p == '"') {
			p = skip_string(p, end);
			memcpy(to, from, (size_t)(p - from));
			to += p - from;
		} else if ((unsigned char)*p++ > ' ') {
			*to++ = *from;
		}
	}
	b->len = (size_t)(to - b->data);
}

void
json_put_compact(struct buf *b, const struct json *j, uint32_t i)
{
	const char *p = j->text + j->tok[i].at;
	const size_t n = j->tok[i].len;
	struct buf all;

	if ((j->flags & JSON_SPACE) == 0) {
		buf_add(b, p, n);
	} else if (n <= b->max - b->len) {
		put_compact(b, p, n);
	} else {                /* there may be room without the space */
		buf_init(&all, n);
		put_compact(&all, p, n);
		buf_add(b, all.data, all.len);
		b->failed |= all.failed;
		buf_release(&all);
	}
}

void
json_unescape(struct buf *b, const struct json *j, uint32_t i)
{
	const char *p = j->text + j->tok[i].at + 1, *q;
	const char *end = p + j->tok[i].len - 2;
	struct pieces s;
	unsigned int cp;

	for (s.n = 0;;) {
		q = span_quoted(p, end);
		put_piece(b, &s, p, (size_t)(q - p));
		if (q == end)
			break;
		p = q + escape_decode(q, &cp);
		if (cp >= 0xd800 && cp <= 0xdfff)
			cp = 0xfffd;
		s.n += utf8_encode(s.p + s.n, cp);
	}
	flush_pieces(b, &s);
}

/* The members of an object must be sorted. If there are at most FEW, this needs
 * no allocated memory. */
enum { FEW = 32 };

struct canonical {
	struct buf *out;
	const struct json *j;
	struct buf text;        /* a string without its escapes */
	bool exact;             /* all numbers so far are known exactly */
};

static void put_value(struct canonical *c, uint32_t i);

/* Compares the first bytes in which two names differ. The order of UTF-16 is
 * that of UTF-8 with one exception: a character beyond U+FFFF, whose first byte
 * is 0xf0 or more, has two code units, and the first of them is less than the
 * characters from U+E000 to U+FFFF, whose first byte is 0xee or 0xef. */
static int
compare_as_utf16(int a, int b)
{
	if (a >= 0xee && b >= 0xee && (a >= 0xf0) != (b >= 0xf0))
		return a >= 0xf0 ? -1 : 1;
	return a - b;
}

int
json_compare_names(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	return compare_as_utf16((unsigned char)*a, (unsigned char)*b);
}

/* Sorts by name. Of several members of the same name, the last comes first,
 * because it is the one that counts. */
static int
by_canonical_name(const void *a, const void *b, void *json)
{
	const struct json *j = json;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	struct name_iter p, q;
	int c, d;

	name_iter_begin(&p, &j->tok[x], j->text);
	name_iter_begin(&q, &j->tok[y], j->text);
	do {
		c = name_iter_next(&p);
		d = name_iter_next(&q);
	} while (c == d && c != -1);
	return c != d ? compare_as_utf16(c, d) : (x < y) - (x > y);
}

/* Appends the string of token i. A string without escapes is copied as it
 * is. */
static void
put_string_token(struct canonical *c, uint32_t i)
{
	const struct json_tok *t = &c->j->tok[i];

	if ((t->flags & JSON_ESCAPED) == 0) {
		buf_add(c->out, c->j->text + t->at, t->len);
		return;
	}
	buf_clear(&c->text);
	json_unescape(&c->text, c->j, i);
	json_put_canon_string(c->out, c->text.data, c->text.len);
}

static void
put_array(struct canonical *c, uint32_t i)
{
	const struct json_tok *tok = c->j->tok;
	const char *before = "[";

	if (tok[i].next == i + 1)
		buf_char(c->out, '[');
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k].next) {
		buf_str(c->out, before);
		put_value(c, k);
		before = ",";
	}
	buf_char(c->out, ']');
}

/* Appends an object with these n names, which are sorted. Of equal names only
 * the first counts. */
static void
put_members(struct canonical *c, const uint32_t *names, uint32_t n)
{
	bool more = false;

	buf_char(c->out, '{');
	for (uint32_t k = 0; k < n; k++) {
		if (k > 0 && name_equals(c->j, names[k - 1], names[k]))
			continue;
		if (more)
			buf_char(c->out, ',');
		more = true;
		put_string_token(c, names[k]);
		buf_char(c->out, ':');
		put_value(c, names[k] + 1);
	}
	buf_char(c->out, '}');
}

/* Sorts the names of the object at token i and appends its members. */
static void
put_object(struct canonical *c, uint32_t i)
{
	const struct json_tok *tok = c->j->tok;
	uint32_t few[FEW], *names = few, n = 0;

	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k + 1].next)
		n++;
	if (n > FEW &&
	    (names = reallocarray(NULL, n, sizeof(*names))) == NULL) {
		c->out->failed = true;
		return;
	}
	n = 0;
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k + 1].next)
		names[n++] = k;
	qsort_r(names, n, sizeof(*names), by_canonical_name,
	    (void *)(uintptr_t)c->j);
	put_members(c, names, n);
	if (names != few)
		free(names);
}

static void
put_value(struct canonical *c, uint32_t i)
{
	const struct json_tok *t = &c->j->tok[i];
	const char *text = c->j->text + t->at;

	switch (t->type) {
	case JSON_OBJECT:
		put_object(c, i);
		break;
	case JSON_ARRAY:
		put_array(c, i);
		break;
	case JSON_STRING:
		put_string_token(c, i);
		break;
	case JSON_NUMBER:
		c->exact &= number_put_ecma(c->out, text, t->len);
		break;
	default:
		buf_add(c->out, text, t->len);
	}
}

bool
json_put_canonical(struct buf *b, const struct json *j, uint32_t i)
{
	struct canonical c = { .out = b, .j = j, .exact = true };

	buf_init(&c.text, SIZE_MAX / 2);
	put_value(&c, i);
	b->failed |= c.text.failed;
	buf_release(&c.text);
	return c.exact;
}
