#include "json/write.h"

#include "json/name.h"
#include "json/span.h"

#include "base/hex.h"
#include "base/text.h"

#include <limits.h>

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
