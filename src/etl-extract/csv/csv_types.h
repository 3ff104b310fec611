/* The types of CSV columns, and the values of fields as JSON.
 * int:    a whole number of 64 bits, without leading zeros.
 * number: a number in the form of JSON, whose digits are kept.
 * bool:   true, false, yes, no, t, f, y, n, 1 or 0, in any case.
 * time:   a date or a time as in RFC 3339, which is kept as it is; the T may be
 *         a space, seconds and offset may be absent. */
#ifndef EXTRACT_CSV_TYPES_H
#define EXTRACT_CSV_TYPES_H

#include "base/buf.h"

enum csv_type { CSV_TEXT, CSV_INT, CSV_NUMBER, CSV_BOOL, CSV_TIME };

const char *csv_type_name(enum csv_type t);

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
/* Appends the value as JSON. Returns false if it does not have the type. The
 * value must not be empty, and the type must not be CSV_TEXT. */
bool csv_put_typed(struct buf *out, enum csv_type t, const char *p, size_t n);

/* Which types fit all values of a column so far. A struct of zeros has seen no
 * value. */
struct csv_guess {
	bool has_value;
	bool not_int, not_number, not_bool, not_time;
};
void csv_guess_add(struct csv_guess *g, const char *p, size_t n);
enum csv_type csv_guess_type(const struct csv_guess *g);

#endif
