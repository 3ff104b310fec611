/* Makes the JSON record of a CSV record, or the reject with the cause.
 * Owns:  the text of the record and of the reject, valid until the next call.
 * Borrows: the dialect, the columns and the tail. */
#ifndef EXTRACT_CSV_JSON_H
#define EXTRACT_CSV_JSON_H

#include "csv/csv_columns.h"
#include "csv/csv_reader.h"

struct csv_json {
	size_t max_record;
	const struct csv_dialect *d;
	const struct csv_columns *columns;
	const char *tail;       /* the end of each record: a brace, or a last
				 * member and a brace */
	size_t tail_len;
	struct buf record;
	struct buf field;       /* a field of a typed column */
	/* Of a reject: */
	const char *code;
	struct buf message, pointer;
};

void csv_json_init(struct csv_json *j, size_t max_record);
void csv_json_release(struct csv_json *j);
/* Returns 1 if j->record holds the record, 0 if it is a reject with j->code and
 * j->message, -1 on failure. */
int csv_json_make(struct csv_json *j, const struct csv_record *rec,
    struct err *e);

#endif
