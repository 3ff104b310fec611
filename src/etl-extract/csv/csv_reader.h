/* Reads the records of a CSV file: keeps a window of the file in memory, skips
 * blank lines, comments and the lines of --skip, and finds broken records.
 * Owns:  the window (at most max + 512 KiB), the table of fields.
 * Borrows: the input and the dialect.
 * Gives: each record, valid until the next call. CSV_WAIT means that the next
 *        call may block until there is input.
 * Fails: if the input fails. A broken record is not a failure. */
#ifndef EXTRACT_CSV_READER_H
#define EXTRACT_CSV_READER_H

#include "base/errval.h"
#include "common/extract.h"
#include "file/input.h"
#include "stream/lines.h"

#include <stddef.h>
#include <stdint.h>

/* The options that say how the fields of a CSV file are separated and quoted.
 * Borrows: the texts of the options.
 * Fails: ERR_USAGE. */

struct csv_dialect {
	char delimiter;
	char quote;             /* NUL: no field is quoted */
	const char *null;       /* a field without quotes that means null, or
				 * NULL */
	size_t null_len;
	const char *comment;    /* lines that start with this text are skipped;
				 * or NULL */
	size_t comment_len;
	uint64_t skip;          /* number of lines before the header */
};

int csv_dialect_parse(struct csv_dialect *d, const struct extract_opts *o,
    bool is_tsv, struct err *e);

/* Finds the fields and the end of one CSV record (RFC 4180).
 * Owns:  the table of fields, which is used again for the next record.
 * Borrows: the dialect.
 * Use:   call csv_scan_begin() at each record, then csv_scan_record() with the
 *        bytes of the record that have been read. If it returns CSV_MORE, call
 *        it again with these bytes, which may have moved, and more.
 * Gives: the place of each field, from the first byte of the record. */

struct csv_field {
	uint32_t at, len;       /* without the quotes around it */
	bool is_quoted;
	bool has_doubled;       /* the field has doubled quotes */
};

enum csv_scan_result {
	CSV_NOMEM = -1,
	CSV_MORE,               /* the record does not end in these bytes */
	CSV_RECORD,
	CSV_BAD_QUOTE           /* the field that starts at quote_at does not
				 * end in a quote that a delimiter or a line
				 * end follows */
};

struct csv_scan {
	const struct csv_dialect *d;
	struct csv_field *field;
	size_t n, cap;
	size_t length;          /* of the record with its line end */
	size_t text_length;     /* of the record without its line end */
	size_t quote_at;        /* after CSV_BAD_QUOTE: the start of the
				 * field */
	bool is_unclosed;       /* after CSV_BAD_QUOTE: there is no closing
				 * quote */
	size_t no_quote_from;   /* a quote at or after this place is an ordinary
				 * character */
	size_t at, seen;        /* the field that is being read starts at `at`;
				 * its bytes up to `seen` were searched */
	bool has_doubled;       /* this field has a doubled quote */
	bool has_quoted;        /* a field is quoted, so it may have line
				 * ends */
};

void csv_scan_init(struct csv_scan *s, const struct csv_dialect *d);
void csv_scan_release(struct csv_scan *s);
void csv_scan_begin(struct csv_scan *s, size_t no_quote_from);
/* is_last: the input ends after these n bytes. */
enum csv_scan_result csv_scan_record(
    struct csv_scan *s, const char *p, size_t n, bool is_last);

enum csv_next { CSV_FAILED = -1, CSV_END, CSV_ITEM, CSV_WAIT };

struct csv_record {
	struct line line;       /* the bytes without the line end, and their
				 * place */
	const struct csv_field *field;
	size_t n;               /* number of fields */
	const char *why;        /* what is wrong with a quote, or NULL */
};

struct csv_reader;

int csv_reader_open(struct csv_reader **r, struct input *in,
    const struct csv_dialect *d, size_t max, struct err *e);
void csv_reader_close(struct csv_reader *r);
enum csv_next csv_reader_next(
    struct csv_reader *r, struct csv_record *rec, struct err *e);
/* csv_reader_mark() makes the window keep all records that are read from now
 * on. csv_reader_rewind() goes back to the first of them and ends this. In
 * between, CSV_END can also mean that the window is full. */
void csv_reader_mark(struct csv_reader *r);
void csv_reader_rewind(struct csv_reader *r);
/* Returns the offset of the next record, or of a line before it that will be
 * skipped. */
uint64_t csv_reader_offset(const struct csv_reader *r);
uint64_t csv_reader_lines(const struct csv_reader *r);  /* lines before it */
/* Continues at this offset of a seekable input. `lines` lines are before it. */
int csv_reader_seek(struct csv_reader *r, uint64_t offset, uint64_t lines,
    struct err *e);
/* From now on, a record that is longer than the window ends the input with
 * CSV_END. A child uses this: it may have started inside a record, which then
 * seems to be very long. */
void csv_reader_refuse_long(struct csv_reader *r);
/* Skips the rest of this line. */
int csv_reader_skip(struct csv_reader *r, struct err *e);

#endif
