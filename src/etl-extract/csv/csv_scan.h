/* Finds the fields and the end of one CSV record (RFC 4180).
 * Owns:  the table of fields, which is used again for the next record.
 * Borrows: the dialect.
 * Use:   call csv_scan_begin() at each record, then csv_scan_record() with the
 *        bytes of the record that have been read. If it returns CSV_MORE, call
 *        it again with these bytes, which may have moved, and more.
 * Gives: the place of each field, from the first byte of the record. */
#ifndef EXTRACT_CSV_SCAN_H
#define EXTRACT_CSV_SCAN_H

#include "csv/csv_dialect.h"

#include <stddef.h>
#include <stdint.h>

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

#endif
