#include "csv/csv_scan.h"

#include "json/span.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MIN = 64 };

void
csv_scan_init(struct csv_scan *s, const struct csv_dialect *d)
{
	*s = (struct csv_scan){ .d = d };
}

void
csv_scan_release(struct csv_scan *s)
{
	free(s->field);
	s->field = NULL;
	s->n = s->cap = 0;
}

void
csv_scan_begin(struct csv_scan *s, size_t no_quote_from)
{
	s->n = s->at = s->seen = 0;
	s->has_doubled = s->has_quoted = false;
	s->no_quote_from = no_quote_from;
}

static bool
grow_field_table(struct csv_scan *s)
{
	size_t cap = s->cap > 0 ? 2 * s->cap : FIELDS_MIN;
	struct csv_field *f = realloc(s->field, cap * sizeof(*f));

	if (f == NULL)
		return false;
	s->field = f;
	s->cap = cap;
	return true;
}

/* Finds the bytes of w that are 0: the result has the high bit of each of them
 * set. Only the lowest set bit is reliable; a higher one may be set for a byte
 * that is not 0. */
static inline uint64_t
mark_zeros(uint64_t w)
{
	return (w - SPAN_EACH(1)) & ~w & SPAN_EACH(0x80);
}

/* Returns the first delimiter or line feed in p..end, or `end`. */
static inline const char *
find_field_end(const char *p, const char *end, char delimiter)
{
	const uint64_t each = SPAN_EACH((unsigned char)delimiter);
	uint64_t w, hit;

	for (; end - p >= 8; p += 8) {
		w = span_load(p);
		hit = mark_zeros(w ^ each) | mark_zeros(w ^ SPAN_EACH('\n'));
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
	}
	while (p < end && *p != delimiter && *p != '\n')
		p++;
	return p;
}

/* Searches for the closing quote of the field at s->at. If it is found, returns
 * CSV_RECORD and sets *close to its place. */
static enum csv_scan_result
find_end_quote(struct csv_scan *s, const char *p, size_t n, bool is_last,
    size_t *close)
{
	const char *q;

	if (s->seen <= s->at)
		s->seen = s->at + 1;
	while ((q = memchr(p + s->seen, s->d->quote, n - s->seen)) != NULL) {
		*close = (size_t)(q - p);
		if (*close + 1 == n && !is_last) {
			s->seen = *close;
			return CSV_MORE;
		}
		if (*close + 1 == n || q[1] != s->d->quote)
			return CSV_RECORD;
		s->has_doubled = true;
		s->seen = *close + 2;
	}
	s->seen = n;
	if (!is_last)
		return CSV_MORE;
	s->quote_at = s->at;
	s->is_unclosed = true;
	return CSV_BAD_QUOTE;
}

/* Reads the quoted field at s->at. Sets *end to the place of the delimiter or
 * line end after it. */
static enum csv_scan_result
scan_quoted(struct csv_scan *s, const char *p, size_t n, bool is_last,
    struct csv_field *f, size_t *end)
{
	size_t close, after;
	enum csv_scan_result r = find_end_quote(s, p, n, is_last, &close);

	if (r != CSV_RECORD)
		return r;
	after = close + 1;
	if (after < n && p[after] == '\r') {
		if (after + 1 == n && !is_last) {
			s->seen = close;
			return CSV_MORE;
		}
		if (after + 1 == n || p[after + 1] == '\n')
			after++;
	}
	if (after < n && p[after] != s->d->delimiter && p[after] != '\n') {
		s->quote_at = s->at;
		s->is_unclosed = false;
		return CSV_BAD_QUOTE;
	}
	*f = (struct csv_field){ (uint32_t)s->at + 1,
	    (uint32_t)(close - s->at - 1), true, s->has_doubled };
	s->has_quoted = true;
	*end = after;
	return CSV_RECORD;
}

static enum csv_scan_result
scan_unquoted(struct csv_scan *s, const char *p, size_t n, bool is_last,
    struct csv_field *f, size_t *end)
{
	const char *from = p + (s->seen > s->at ? s->seen : s->at);
	size_t len;

	*end = (size_t)(find_field_end(from, p + n, s->d->delimiter) - p);
	if (*end == n && !is_last) {
		s->seen = n;
		return CSV_MORE;
	}
	len = *end - s->at;
	if (len > 0 && p[*end - 1] == '\r' &&
	    (*end == n || p[*end] == '\n'))
		len--;
	*f = (struct csv_field){ (uint32_t)s->at, (uint32_t)len, false, false };
	return CSV_RECORD;
}

/* Sets the lengths of the record. `end` is the place of its line end, or n if
 * the input ends without one. */
static void
set_lengths(struct csv_scan *s, const char *p, size_t n, size_t end)
{
	s->length = end < n ? end + 1 : n;
	s->text_length = end;
	if (end > 0 && p[end - 1] == '\r')
		s->text_length--;
}

enum csv_scan_result
csv_scan_record(struct csv_scan *s, const char *p, size_t n, bool is_last)
{
	enum csv_scan_result r;
	struct csv_field *f;
	size_t end;

	for (;;) {
		if (s->n == s->cap && !grow_field_table(s))
			return CSV_NOMEM;
		if (s->at == n && !is_last)
			return CSV_MORE;
		f = &s->field[s->n];
		if (s->d->quote != '\0' && s->at < n &&
		    p[s->at] == s->d->quote && s->at < s->no_quote_from)
			r = scan_quoted(s, p, n, is_last, f, &end);
		else
			r = scan_unquoted(s, p, n, is_last, f, &end);
		if (r != CSV_RECORD)
			return r;
		s->n++;
		s->has_doubled = false;
		if (end == n || p[end] == '\n') {
			set_lengths(s, p, n, end);
			return CSV_RECORD;
		}
		s->at = end + 1;
	}
}
