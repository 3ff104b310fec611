/* The columns of a CSV file: their names from the header or from --columns,
 * and their types from --types.
 * Owns:  the texts.
 * Gives: names that are unique: a second `a` is a_2, a blank name in the third
 *        place is column_3. */
#ifndef EXTRACT_CSV_COLUMNS_H
#define EXTRACT_CSV_COLUMNS_H

#include "base/buf.h"
#include "csv/csv_names.h"
#include "csv/csv_scan.h"
#include "csv/csv_types.h"

enum {
	CSV_HEADER_MAX = 256 << 10,     /* bytes of a header */
	CSV_COLUMNS_MAX = 16384
};

struct csv_column {
	const char *name;
	size_t at, len;         /* the part of `names` that comes before the
				 * value in a record: {"id": or ,"name": */
	enum csv_type type;
};

struct csv_columns {
	struct csv_column *column;
	size_t n;
	struct csv_names unique;
	struct buf names;
	struct buf json;        /* the names as an array, for rejects */
	bool is_reserved;       /* the first name is @etl, as in a mark */
};

void csv_columns_init(struct csv_columns *c);
void csv_columns_release(struct csv_columns *c);
/* Sets the columns to the n fields of the header at p. Fails with ERR_DATA if
 * the header has too many names, or is not text. */
int csv_columns_set(struct csv_columns *c, const char *p, size_t len,
    const struct csv_field *f, size_t n, char quote, struct err *e);
/* Used if the header at p has only one field. Returns the value of --delimiter
 * that would split this field, or NULL. A quoted field is never split. */
const char *csv_guess_delimiter(const char *p, const struct csv_field *f);
/* Splits the value of an option at its commas: it is read as one CSV record.
 * The caller releases s, also after a failure. */
int csv_scan_option(struct csv_scan *s, const char *option, const char *text,
    struct err *e);
/* Sets the columns to the names in the value of --columns. */
int csv_columns_parse(struct csv_columns *c, const char *text, struct err *e);
/* Returns the index of the column with this name, or -1. The name is the one
 * that records have, for example a_2 for the second column a. */
ptrdiff_t csv_columns_find(const struct csv_columns *c, const char *name);

/* True if the field at p has no quotes and is the text of --null. */
bool csv_field_is_null(const struct csv_dialect *d, const char *p,
    const struct csv_field *f);
/* Appends the text of a field. Each doubled quote in it becomes a single
 * one. */
void csv_append_field(struct buf *b, const char *p, const struct csv_field *f,
    char quote);

#endif
