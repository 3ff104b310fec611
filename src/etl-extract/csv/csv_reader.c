#include "csv/csv_reader.h"

#include "base/hash.h"
#include "base/window.h"
#include "json/span.h"

#include <stdlib.h>
#include <string.h>

struct csv_reader {
	struct input *in;
	const struct csv_dialect *d;
	struct csv_scan scan;
	size_t max;             /* longest record that is kept whole */
	struct window w;
	bool is_eof;            /* the window has the last byte of the input */
	uint64_t offset;        /* of w.data[w.start] in the text */
	uint64_t number;        /* number of lines before this byte */
	uint64_t skip;          /* lines still to be skipped at the start */
	bool is_in_skipped_line;
	bool has_begun;         /* the reader has checked for a byte order
				 * mark */
	bool has_paused;        /* CSV_WAIT was returned for this read */
	bool is_in_record;      /* `scan` has read a part of this record */
	uint64_t bad_quote;     /* offset of a quote that does not close, or
				 * UINT64_MAX */
	const char *why;        /* why that quote is wrong */
	bool refuses_long;
	bool is_held;
	size_t held;            /* w.data[held] is the first byte that is
				 * kept */
	uint64_t held_offset, held_number, held_skip;
	bool held_has_begun;
};

/* The state of the reader before the next byte of the record. */
enum place {
	AT_FIELD_START, IN_PLAIN_FIELD, IN_QUOTES,
	AFTER_QUOTE,            /* the quote closes the field or is doubled */
	AFTER_QUOTE_AND_CR,
	AT_RECORD_END,
	AFTER_BAD_QUOTE
};

struct long_record {
	struct csv_reader *r;
	struct hash *hash;
	enum place place;
	uint64_t bytes;         /* number of bytes in the hash */
	uint64_t at;            /* offset of the next byte in the text */
	uint64_t quote_at;      /* offset of the quote that opened the field */
	uint64_t lines;
	bool has_cr;            /* the last byte was a CR; it is not in the hash
				 * yet, because it may belong to the line end */
};

static void
hash_long_bytes(struct long_record *l, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (l->has_cr) {
		hash_add(l->hash, "\r", 1);
		l->bytes++;
	}
	l->has_cr = p[n - 1] == '\r';
	n -= l->has_cr;
	hash_add(l->hash, p, n);
	l->bytes += n;
}

static enum place
place_after_quote(const struct csv_dialect *d, char c)
{
	if (c == d->quote)
		return IN_QUOTES;
	if (c == d->delimiter)
		return AT_FIELD_START;
	if (c == '\n')
		return AT_RECORD_END;
	return c == '\r' ? AFTER_QUOTE_AND_CR : AFTER_BAD_QUOTE;
}

static enum place
place_after(struct long_record *l, char c)
{
	const struct csv_dialect *d = l->r->d;

	switch (l->place) {
	case AT_FIELD_START:
		if (d->quote != '\0' && c == d->quote &&
		    l->at < l->r->bad_quote) {
			l->quote_at = l->at;
			return IN_QUOTES;
		}
		break;
	case IN_QUOTES:
		return c == d->quote ? AFTER_QUOTE : IN_QUOTES;
	case AFTER_QUOTE:
		return place_after_quote(d, c);
	case AFTER_QUOTE_AND_CR:
		return c == '\n' ? AT_RECORD_END : AFTER_BAD_QUOTE;
	default:
		break;
	}
	if (c == '\n')
		return AT_RECORD_END;
	return c == d->delimiter ? AT_FIELD_START : IN_PLAIN_FIELD;
}

/* Reads up to n bytes at p. Stops after the end of the record and after a quote
 * that is not at a valid place. Returns the number of bytes read. */
static size_t
read_long_bytes(struct long_record *l, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && l->place != AT_RECORD_END &&
	    l->place != AFTER_BAD_QUOTE) {
		l->place = place_after(l, p[i]);
		l->lines += p[i] == '\n';
		l->at++;
		i++;
	}
	hash_long_bytes(l, p, i - (l->place == AT_RECORD_END));
	return i;
}

/* Handles a quoted field that is not closed properly. In a regular file the
 * reader goes back to the start of the record, and the opening quote is then an
 * ordinary character. A pipe cannot be read twice: the record then ends at the
 * next line end. Returns 0 or 1 as csv_read_long() does, or 2 to read on. */
static int
handle_bad_quote(struct long_record *l, struct err *e)
{
	struct csv_reader *r = l->r;

	if (!input_is_seekable(r->in)) {
		if (r->is_eof)
			return 1;
		l->place = IN_PLAIN_FIELD;
		return 2;
	}
	r->why = l->place == AFTER_BAD_QUOTE ? "something else than a "
	    "delimiter or a line end follows the closing quote of a field"
	    : "a quote opens a field and never closes";
	r->bad_quote = l->quote_at;
	r->w.start = r->w.end = 0;
	r->is_eof = r->is_in_record = false;
	return input_seek(r->in, r->offset, e);
}

static int
read_long_part(struct csv_reader *r, struct err *e)
{
	ssize_t n;

	r->w.start = r->w.end = LINES_KEPT;
	n = input_read(r->in, r->w.data + r->w.end, r->w.cap - r->w.end, e);
	if (n == -1)
		return -1;
	r->is_eof = n == 0;
	r->w.end += (size_t)n;
	return 0;
}

/* Reads up to the end of the record and returns 1. Returns 0 if the record must
 * be scanned again, see csv_read_long(). */
static int
read_record_rest(struct long_record *l, struct err *e)
{
	struct csv_reader *r = l->r;
	size_t n;
	int rc = 2;

	while (rc == 2) {
		n = read_long_bytes(l, r->w.data + r->w.start,
		    r->w.end - r->w.start);
		r->w.start += n;
		if (l->place == AT_RECORD_END)
			return 1;
		if (l->place == AFTER_BAD_QUOTE ||
		    (r->is_eof && l->place == IN_QUOTES))
			rc = handle_bad_quote(l, e);
		else if (r->is_eof)
			rc = 1;
		else if (r->w.start == r->w.end && read_long_part(r, e) == -1)
			rc = -1;
	}
	return rc;
}

static void
fill_record(struct long_record *l, struct csv_record *rec)
{
	struct csv_reader *r = l->r;

	*rec = (struct csv_record){ .line = { .data = r->w.data,
	    .bytes = l->bytes, .number = r->number + 1, .offset = r->offset,
	    .too_long = true } };
	rec->line.torn = l->place != AT_RECORD_END && r->is_eof &&
	    r->w.start == r->w.end;
	rec->line.len = l->bytes < LINES_KEPT ? (size_t)l->bytes : LINES_KEPT;
	hash_finish(l->hash, rec->line.sha256);
	l->hash = NULL;
	r->offset = l->at;
	r->number += l->lines;
	r->bad_quote = UINT64_MAX;
	r->is_in_record = false;
}

/* Reads to its end the record at the start of the window, which is longer than
 * r->max. Keeps only its first LINES_KEPT bytes. Returns 1 and fills in *rec,
 * or returns 0 after it has set r->bad_quote: the reader must then scan the
 * record again from its start. */
static int
csv_read_long(struct csv_reader *r, struct csv_record *rec, struct err *e)
{
	struct long_record l = { .r = r, .at = r->offset,
	    .hash = hash_new() };
	int rc;

	if (l.hash == NULL)
		return err_nomem(e);
	memmove(r->w.data, r->w.data + r->w.start, r->w.end - r->w.start);
	r->w.end -= r->w.start;
	r->w.start = 0;
	if ((rc = read_record_rest(&l, e)) == 1)
		fill_record(&l, rec);
	hash_free(l.hash);
	return rc;
}

int
csv_reader_open(struct csv_reader **out, struct input *in,
    const struct csv_dialect *d, size_t max, struct err *e)
{
	struct csv_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	if (window_open(&r->w, e) == -1) {
		free(r);
		return -1;
	}
	r->in = in;
	r->d = d;
	r->max = max;
	r->skip = d->skip;
	r->bad_quote = UINT64_MAX;
	csv_scan_init(&r->scan, d);
	*out = r;
	return 0;
}

void
csv_reader_close(struct csv_reader *r)
{
	if (r == NULL)
		return;
	csv_scan_release(&r->scan);
	window_release(&r->w);
	free(r);
}

/* Moves the start of the window past n bytes. They contain `lines` line
 * feeds. */
static void
move_past(struct csv_reader *r, size_t n, uint64_t lines)
{
	r->w.start += n;
	r->offset += n;
	r->number += lines;
}

/* Makes room in the window for the next read. Returns the size of the room in
 * bytes, or 0 on failure. */
static size_t
make_window_room(struct csv_reader *r, struct err *e)
{
	const size_t start = r->w.start;
	size_t room = window_make_room(
	    &r->w, r->is_held ? r->held : start, r->max, e);

	r->held -= r->is_held ? start - r->w.start : 0;
	return room;
}

/* Reads more bytes into the window. If the read may block, first returns
 * CSV_WAIT once. */
static enum csv_next
fill_window(struct csv_reader *r, struct err *e)
{
	ssize_t n;
	size_t room;

	if (!r->has_paused && input_may_wait(r->in)) {
		r->has_paused = true;
		return CSV_WAIT;
	}
	r->has_paused = false;
	if ((room = make_window_room(r, e)) == 0)
		return CSV_FAILED;
	if ((n = input_read(r->in, r->w.data + r->w.end, room, e)) == -1)
		return CSV_FAILED;
	r->is_eof = n == 0;
	r->w.end += (size_t)n;
	return CSV_ITEM;
}

/* What was found at the start of the window. AT_SKIPPED: a line was skipped, so
 * look again. AT_UNKNOWN: more bytes must be read first. */
enum at_start { AT_RECORD, AT_SKIPPED, AT_UNKNOWN, AT_END };

static bool
starts_with(const struct csv_reader *r, const char *text, size_t len)
{
	size_t n = r->w.end - r->w.start;

	return memcmp(r->w.data + r->w.start, text, n < len ? n : len) == 0;
}

/* Skips a line, or the part of it that is in the window. */
static enum at_start
skip_line_part(struct csv_reader *r)
{
	const char *p = r->w.data + r->w.start;
	const char *lf = memchr(p, '\n', r->w.end - r->w.start);

	r->is_in_skipped_line = lf == NULL;
	if (lf != NULL)
		move_past(r, (size_t)(lf - p) + 1, 1);
	else
		move_past(r, r->w.end - r->w.start, 0);
	if (lf == NULL && r->is_eof)
		return AT_END;
	if (lf != NULL && r->skip > 0)
		r->skip--;
	return lf != NULL ? AT_SKIPPED : AT_UNKNOWN;
}

static bool
is_blank_line(const char *p, size_t n, bool is_eof)
{
	return *p == '\n' || (*p == '\r' && (n > 1 ? p[1] == '\n' : is_eof));
}

/* Skips a blank line, a comment, a line of --skip or the byte order mark.
 * Returns AT_RECORD if a record starts here instead, or AT_UNKNOWN if more
 * bytes are needed to know it. */
static enum at_start
skip_one(struct csv_reader *r)
{
	const char *p = r->w.data + r->w.start, *comment = r->d->comment;
	size_t n = r->w.end - r->w.start;

	if (r->is_in_skipped_line)
		return skip_line_part(r);
	if (n == 0)
		return r->is_eof ? AT_END : AT_UNKNOWN;
	if (!r->has_begun) {
		if (n < 3 && !r->is_eof)
			return AT_UNKNOWN;
		r->has_begun = true;
		if (n >= 3 && starts_with(r, "\xef\xbb\xbf", 3)) {
			move_past(r, 3, 0);
			return AT_SKIPPED;
		}
	}
	if (r->skip > 0 || is_blank_line(p, n, r->is_eof))
		return skip_line_part(r);
	if (*p == '\r' && n == 1)
		return AT_UNKNOWN;
	if (comment == NULL || !starts_with(r, comment, r->d->comment_len))
		return AT_RECORD;
	if (n >= r->d->comment_len)
		return skip_line_part(r);
	return r->is_eof ? AT_RECORD : AT_UNKNOWN;
}

static uint64_t
count_lines(const char *p, size_t n)
{
	const char *end = p + n;
	uint64_t lines = 0;

	for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		lines++;
	return lines;
}

/* Fills in the record that r->scan has found at the start of the window, and
 * moves the start of the window past it. */
static void
take_record(struct csv_reader *r, struct csv_record *rec)
{
	const struct csv_scan *s = &r->scan;
	struct line *l = &rec->line;

	rec->field = s->field;
	rec->n = s->n;
	rec->why = r->bad_quote != UINT64_MAX ? r->why : NULL;
	l->data = r->w.data + r->w.start;
	l->len = l->bytes = s->text_length;
	l->file = NULL;
	l->number = r->number + 1;
	l->offset = r->offset;
	l->torn = s->length == 0 || l->data[s->length - 1] != '\n';
	l->too_long = false;
	if (s->text_length > r->max) {
		l->too_long = true;
		hash_bytes(l->data, l->len, l->sha256);
		l->len = l->len < LINES_KEPT ? l->len : LINES_KEPT;
	}
	r->is_in_record = false;
	r->bad_quote = UINT64_MAX;
	move_past(r, s->length, s->has_quoted ?
	    count_lines(l->data, s->length) : s->length > s->text_length);
}

/* Remembers that the quote at scan.quote_at does not close. The record is then
 * scanned again; in that scan this quote and all later ones are ordinary
 * characters. */
static bool
window_is_full(const struct csv_reader *r)
{
	return r->w.end - (r->is_held ? r->held : r->w.start) > r->max &&
	    r->w.end - r->w.start >= (r->is_held ? 0 : LINES_KEPT);
}

/* Scans for a record in the window. Returns CSV_WAIT if the record ends after
 * the window. */
static enum csv_next
scan_window(struct csv_reader *r, struct csv_record *rec, struct err *e)
{
	struct csv_scan *s = &r->scan;

	for (;;) {
		if (!r->is_in_record)
			csv_scan_begin(s, r->bad_quote == UINT64_MAX ?
			    SIZE_MAX : (size_t)(r->bad_quote - r->offset));
		r->is_in_record = true;
		switch (csv_scan_record(s, r->w.data + r->w.start,
		    r->w.end - r->w.start, r->is_eof)) {
		case CSV_MORE:
			return CSV_WAIT;
		case CSV_BAD_QUOTE:
			r->bad_quote = r->offset + r->scan.quote_at;
			r->why = r->scan.is_unclosed ?
			    "a quote opens a field and never closes" :
			    "something else than a delimiter or a line end "
			    "follows the closing quote of a field";
			r->is_in_record = false;
			break;
		case CSV_RECORD:
			take_record(r, rec);
			return CSV_ITEM;
		default:
			(void)err_nomem(e);
			return CSV_FAILED;
		}
	}
}

enum csv_next
csv_reader_next(struct csv_reader *r, struct csv_record *rec, struct err *e)
{
	enum csv_next n = CSV_WAIT;
	enum at_start at;
	int rc;

	for (;;) {
		at = r->is_in_record ? AT_RECORD : skip_one(r);
		if (at == AT_SKIPPED)
			continue;
		if (at == AT_END)
			return CSV_END;
		if (at == AT_RECORD && (n = scan_window(r, rec, e)) != CSV_WAIT)
			return n;
		if (at == AT_RECORD && window_is_full(r)) {
			if (r->is_held || r->refuses_long)
				return CSV_END;
			if ((rc = csv_read_long(r, rec, e)) != 0)
				return rc == 1 ? CSV_ITEM : CSV_FAILED;
			continue;
		}
		if ((n = fill_window(r, e)) != CSV_ITEM)
			return n;
	}
}

int
csv_reader_skip(struct csv_reader *r, struct err *e)
{
	for (;;) {
		switch (skip_line_part(r)) {
		case AT_SKIPPED:
		case AT_END:
			return 0;
		default:
			break;
		}
		if (fill_window(r, e) == CSV_FAILED)
			return -1;
	}
}

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
			s->length = end < n ? end + 1 : n;
			s->text_length = end - (end > 0 && p[end - 1] == '\r');
			return CSV_RECORD;
		}
		s->at = end + 1;
	}
}

uint64_t
csv_reader_offset(const struct csv_reader *r)
{
	return r->offset;
}

uint64_t
csv_reader_lines(const struct csv_reader *r)
{
	return r->number;
}

void
csv_reader_refuse_long(struct csv_reader *r)
{
	r->refuses_long = true;
}

void
csv_reader_mark(struct csv_reader *r)
{
	r->is_held = true;
	r->held = r->w.start;
	r->held_offset = r->offset;
	r->held_number = r->number;
	r->held_skip = r->skip;
	r->held_has_begun = r->has_begun;
}

void
csv_reader_rewind(struct csv_reader *r)
{
	r->is_held = r->is_in_record = r->is_in_skipped_line = false;
	r->bad_quote = UINT64_MAX;
	r->w.start = r->held;
	r->offset = r->held_offset;
	r->number = r->held_number;
	r->skip = r->held_skip;
	r->has_begun = r->held_has_begun;
}

int
csv_reader_seek(struct csv_reader *r, uint64_t offset, uint64_t lines,
    struct err *e)
{
	if (input_seek(r->in, offset, e) == -1)
		return -1;
	r->w.start = r->w.end = 0;
	r->is_eof = r->is_in_record = r->is_in_skipped_line = false;
	r->is_held = false;
	r->has_begun = true;
	r->skip = 0;
	r->bad_quote = UINT64_MAX;
	r->offset = offset;
	r->number = lines;
	return 0;
}

/* One ASCII character, or \t. */
static int
parse_character(char *c, const char *option, const char *text, struct err *e)
{
	if (strcmp(text, "\\t") == 0)
		text = "\t";
	*c = text[0];
	if (strlen(text) == 1 && *c > 0 && *c != '\n' && *c != '\r')
		return 0;
	return err_set(e, ERR_USAGE, false, "%s '%s': must be one ASCII "
	    "character, such as ; or | (a tab is \\t)", option, text);
}

int
csv_dialect_parse(struct csv_dialect *d, const struct extract_opts *o,
    bool is_tsv, struct err *e)
{
	*d = (struct csv_dialect){ .delimiter = is_tsv ? '\t' : ',',
	    .quote = '"', .null = o->null, .comment = o->comment,
	    .skip = o->skip };
	if (o->delimiter != NULL && parse_character(
		&d->delimiter, "--delimiter", o->delimiter, e) == -1)
		return -1;
	if (o->quote != NULL && *o->quote == '\0')
		d->quote = '\0';
	else if (o->quote != NULL &&
	    parse_character(&d->quote, "--quote", o->quote, e) == -1)
		return -1;
	if (d->quote == d->delimiter)
		return err_set(e, ERR_USAGE, false, "--delimiter and --quote "
		    "must be different characters");
	if (o->comment != NULL && *o->comment == '\0')
		return err_set(e, ERR_USAGE, false, "--comment: give the text "
		    "with which a comment starts, such as '#'");
	d->null_len = d->null != NULL ? strlen(d->null) : 0;
	d->comment_len = d->comment != NULL ? strlen(d->comment) : 0;
	return 0;
}
