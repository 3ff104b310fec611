/* The columns of a CSV file: their names from the header or from --columns,
 * and their types from --types.
 * Owns:  the texts.
 * Gives: names that are unique: a second `a` is a_2, a blank name in the third
 *        place is column_3. */
#ifndef EXTRACT_CSV_COLUMNS_H
#define EXTRACT_CSV_COLUMNS_H

#include "base/buf.h"
#include "csv/csv_reader.h"

/* Makes the names of columns unique: the second `a` becomes a_2.
 * Owns:  the names that were returned. A struct of zeros is empty.
 * Gives: csv_names_add() returns a name that no earlier call has returned,
 *        valid until csv_names_release(); NULL if memory is out. */

struct csv_names {
	void *tree;
};

/* The types of CSV columns, and the values of fields as JSON.
 * int:    a whole number of 64 bits, without leading zeros.
 * number: a number in the form of JSON, whose digits are kept.
 * bool:   true, false, yes, no, t, f, y, n, 1 or 0, in any case.
 * time:   a date or a time as in RFC 3339, which is kept as it is; the T may be
 *         a space, seconds and offset may be absent. */

enum csv_type { CSV_TEXT, CSV_INT, CSV_NUMBER, CSV_BOOL, CSV_TIME };

/* The option --types.
 * Owns: the names. */
struct csv_type_of {
	char *name;
	enum csv_type type;
};
struct csv_types_option {
	struct csv_type_of *of;
	size_t n;
	bool is_auto;
};
int csv_types_parse(
    struct csv_types_option *o, const char *text, struct err *e);
void csv_types_release(struct csv_types_option *o);

/* Removes the spaces around a value that is no text. */
void csv_trim(const char **p, size_t *n);

/* Which types fit all values of a column so far. A struct of zeros has seen no
 * value. */
struct csv_guess {
	bool has_value;
	bool not_int, not_number, not_bool, not_time;
};
void csv_guess_add(struct csv_guess *g, const char *p, size_t n);
enum csv_type csv_guess_type(const struct csv_guess *g);

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

/* Makes the JSON record of a CSV record, or the reject with the cause.
 * Owns:  the text of the record and of the reject, valid until the next call.
 * Borrows: the dialect, the columns and the tail. */

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
