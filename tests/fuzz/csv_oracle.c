#include "csv_oracle.h"

#include <string.h>

void
csv_oracle_start(struct csv_oracle *o, const struct csv_dialect *d,
    const char *p, size_t n)
{
	*o = (struct csv_oracle){ .d = d, .p = p, .n = n, .skip = d->skip };
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		o->at = 3;
}

/* True if a line ends at i: LF, CR LF, or CR at the end of the text. */
static bool
is_line_end(const struct csv_oracle *o, size_t i)
{
	if (i == o->n || o->p[i] == '\n')
		return true;
	return o->p[i] == '\r' && (i + 1 == o->n || o->p[i + 1] == '\n');
}

/* Returns the place after the field at i. *bad is set if its closing quote is
 * missing or wrong. A quote from `ordinary` on is an ordinary character. With
 * OUT, the text of the field is copied to it. */
static size_t
read_field(const struct csv_oracle *o, size_t i, size_t ordinary, bool *bad,
    char *out, size_t *len, bool *quoted)
{
	const char quote = o->d->quote;

	*len = 0;
	*bad = false;
	*quoted = quote != '\0' && i < o->n && o->p[i] == quote &&
	    i < ordinary;
	for (i += *quoted; i < o->n; i++) {
		if (*quoted && o->p[i] == quote) {
			if (i + 1 == o->n || o->p[i + 1] != quote)
				break;
			i++;
		} else if (!*quoted && (o->p[i] == o->d->delimiter ||
				       is_line_end(o, i))) {
			return i;
		}
		if (out != NULL)
			out[*len] = o->p[i];
		++*len;
	}
	if (!*quoted)
		return i;
	*bad = i == o->n || !(is_line_end(o, i + 1) ||
	    o->p[i + 1] == o->d->delimiter);
	return i + 1;
}

/* Reads the fields from o->begin on. Stops at a wrong quote. */
static bool
read_record(struct csv_oracle *o, size_t ordinary, size_t *bad_at)
{
	size_t i = o->begin, len;
	bool bad, quoted;

	for (o->fields = 1;; o->fields++, i++) {
		*bad_at = i;
		i = read_field(o, i, ordinary, &bad, NULL, &len, &quoted);
		if (bad)
			return false;
		if (is_line_end(o, i))
			break;
	}
	o->end = i;
	return true;
}

static void
go_after_line(struct csv_oracle *o, size_t from)
{
	const char *lf = memchr(o->p + from, '\n', o->n - from);
	const size_t to = lf != NULL ? (size_t)(lf + 1 - o->p) : o->n;

	for (; o->at < to; o->at++)
		o->lines += o->p[o->at] == '\n';
}

/* True if the line at o->at is no record. */
static bool
is_skipped(const struct csv_oracle *o)
{
	const char *comment = o->d->comment;

	if (o->skip > 0 || is_line_end(o, o->at))
		return true;
	return comment != NULL && o->d->comment_len <= o->n - o->at &&
	    memcmp(o->p + o->at, comment, o->d->comment_len) == 0;
}

bool
csv_oracle_next(struct csv_oracle *o)
{
	size_t bad_at;

	while (o->at < o->n && is_skipped(o)) {
		o->skip -= o->skip > 0;
		go_after_line(o, o->at);
	}
	if (o->at >= o->n)
		return false;
	o->begin = o->at;
	o->line = o->lines + 1;
	o->bad_quote = SIZE_MAX;
	if (!read_record(o, SIZE_MAX, &bad_at)) {
		o->bad_quote = bad_at;
		(void)read_record(o, bad_at, &bad_at);
	}
	go_after_line(o, o->end);
	return true;
}

size_t
csv_oracle_field(
    const struct csv_oracle *o, size_t *at, char *out, bool *quoted)
{
	size_t len;
	bool bad;

	*at = read_field(o, *at, o->bad_quote, &bad, out, &len, quoted) + 1;
	return len;
}

/* RFC 3629: the shortest form only, no surrogates, at most U+10FFFF. */
bool
csv_oracle_is_utf8(const char *p, size_t n)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	for (size_t i = 0; i < n;) {
		const unsigned char c = (unsigned char)p[i];
		const size_t len = c < 0x80 ? 1 : c >> 5 == 6 ? 2 :
		    c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
		unsigned v = len == 1 ? c : c & (0xffu >> (len + 1));

		if (len == 0 || len > n - i)
			return false;
		for (size_t k = 1; k < len; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			v = v << 6 | (p[i + k] & 0x3f);
		}
		if (v < least[len] || v > 0x10ffff ||
		    (v >= 0xd800 && v < 0xe000))
			return false;
		i += len;
	}
	return true;
}
