#include "csv/csv_reader_impl.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

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
static void
note_bad_quote(struct csv_reader *r)
{
	r->bad_quote = r->offset + r->scan.quote_at;
	r->why = r->scan.is_unclosed ? "a quote opens a field and never closes"
	    : "something else than a delimiter or a line end follows the "
	      "closing quote of a field";
	r->is_in_record = false;
}

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
			note_bad_quote(r);
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
