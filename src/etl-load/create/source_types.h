/* The types of the columns as the source of the records has them (the mark
 * columns, etl-record(5)). The text of a type comes from the stream, so it only
 * chooses one of a fixed list of types, and is never copied into SQL.
 * Owns:  its entries; source_types_release() frees them. */
#ifndef LOAD_SOURCE_TYPES_H
#define LOAD_SOURCE_TYPES_H

#include "db/db.h"
#include "json/scan.h"

struct source_type {
	char *name;             /* of the member of the records */
	size_t len;
	int base;               /* place in the list of types */
	int precision, scale;   /* of numeric(p,s); else 0 */
	char sql[32], lite[32]; /* its name in PostgreSQL; in SQLite, only of
	                         * numeric(p,s) */
	bool misfits;           /* a value of the sample does not fit it */
	bool is_special;        /* a value is NaN or infinite: this fits only
	                         * in PostgreSQL */
};

struct source_types {
	struct source_type *v;
	size_t n, last;         /* last: found last */
};

void source_types_release(struct source_types *t);
/* Reads the mark columns in the line. Ignores any other mark, types that are
 * not in the list, and more columns than a table can have. */
int source_types_read(
    struct source_types *t, const char *line, size_t len, struct err *e);
struct source_type *source_types_find(
    struct source_types *t, const char *name, size_t len);
/* Compares a value that is not null with the type, and remembers if it does not
 * fit. `kind`: that of value_kinds.h. */
void source_type_compare(struct source_type *t, const struct json *j,
    uint32_t tok, unsigned kind);
/* Returns the type for a column with values of these kinds, as SQL, or NULL if
 * the values must decide. */
const char *source_type_name(
    const struct source_type *t, unsigned kinds, enum db_kind db);

#endif
