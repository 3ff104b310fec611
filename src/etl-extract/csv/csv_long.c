#include "csv/csv_reader_impl.h"

#include "base/hash.h"

#include <string.h>

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

int
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
