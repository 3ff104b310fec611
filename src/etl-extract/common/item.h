/* One element that a source has read: a line of a file, a record of a CSV file,
 * or an element of the array of records in a page. It need not be a valid
 * record.
 * Borrows: the line and the texts, which are valid until the next call of the
 *          source's next(). */
#ifndef EXTRACT_ITEM_H
#define EXTRACT_ITEM_H

#include "stream/lines.h"

struct input;

struct item {
	struct line line;               /* the bytes that were read */
	const char *kind, *uri;         /* origin: "http", "file", "stdin" or
					 * "sql" */
	bool is_in_file;                /* line.offset is its place in a file
					 * or in standard input */
	uint64_t page;                  /* from 1; 0: not from a page */
	uint64_t index;                 /* number of the element on its page or
					 * in its JSON file, or of the row of a
					 * query, from 1; 0: a line */
	/* Some sources make the record themselves, for example from a CSV
	 * record. Such a source sets `record` to a valid record, or `code` if
	 * the element is rejected. If both are NULL, `line` is JSON, and
	 * item_write() checks it. */
	const char *record;
	size_t record_len;
	uint64_t records;               /* 0, or the number of records in
					 * `record`, each with its line end */
	const char *code, *message;     /* of a reject; code is NULL if there is
					 * none */
	const char *pointer;            /* of a reject, or NULL */
	const char *columns;            /* the names of the CSV columns as a
					 * JSON array, or NULL */
	const struct input *converted;  /* NULL, or an input that has converted
					 * the line from another encoding */
};

#endif
