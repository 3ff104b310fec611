/* The members of struct csv_reader, for csv_reader.c, csv_long.c and csv_seek.c
 * only. */
#ifndef EXTRACT_CSV_READER_IMPL_H
#define EXTRACT_CSV_READER_IMPL_H

#include "base/window.h"
#include "csv/csv_reader.h"

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

/* Reads to its end the record at the start of the window, which is longer than
 * r->max. Keeps only its first LINES_KEPT bytes. Returns 1 and fills in *rec,
 * or returns 0 after it has set r->bad_quote: the reader must then scan the
 * record again from its start. */
int csv_read_long(struct csv_reader *r, struct csv_record *rec, struct err *e);

#endif
