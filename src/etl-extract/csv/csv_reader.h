/* Reads the records of a CSV file: keeps a window of the file in memory, skips
 * blank lines, comments and the lines of --skip, and finds broken records.
 * Owns:  the window (at most max + 512 KiB), the table of fields.
 * Borrows: the input and the dialect.
 * Gives: each record, valid until the next call. CSV_WAIT means that the next
 *        call may block until there is input.
 * Fails: if the input fails. A broken record is not a failure. */
#ifndef EXTRACT_CSV_READER_H
#define EXTRACT_CSV_READER_H

#include "csv/csv_scan.h"
#include "file/input.h"
#include "stream/lines.h"

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
