/* Reads the records of a CSV file: keeps a window of the file in memory, skips
 * blank lines, comments and the lines of --skip, and finds broken records.
 * Owns:  the window (at most max + 512 KiB, more while a quoted field is
 *        open), the table of fields.
 * Borrows: the input and the dialect.
 * Gives: each record, valid until the next call. CSV_WAIT: the next call may
 *        have to wait for input.
 * Fails: as the input does. A broken record is no failure. */
#ifndef EXTRACT_CSV_READER_H
#define EXTRACT_CSV_READER_H

#include "csv/csv_scan.h"
#include "file/input.h"
#include "stream/lines.h"

enum csv_next { CSV_FAILED = -1, CSV_END, CSV_ITEM, CSV_WAIT };

struct csv_record {
	struct line line;       /* the bytes without the line end, the place */
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
/* After csv_reader_hold() the window keeps all records that are read, until
 * csv_reader_rewind() goes back to the first of them. Until then, CSV_END can
 * also mean that the window is full. */
void csv_reader_hold(struct csv_reader *r);
void csv_reader_rewind(struct csv_reader *r);
/* Where the next record, or what is skipped before it, begins. */
uint64_t csv_reader_offset(const struct csv_reader *r);
uint64_t csv_reader_lines(const struct csv_reader *r);  /* lines before it */
/* Goes to this place of a seekable input. */
int csv_reader_seek(struct csv_reader *r, uint64_t offset, uint64_t lines,
    struct err *e);
/* From now on a record that is longer than the window ends the input: CSV_END.
 * For a child, which may have begun inside a record. */
void csv_reader_refuse_long_records(struct csv_reader *r);
/* Skips the rest of this line. */
int csv_reader_skip_line(struct csv_reader *r, struct err *e);

#endif
