/* Says which value each column gets: that of the member with the column's name
 * or, with --map, the value at a JSON Pointer. Also: --extra, which says what
 * happens with a member that has no column, --empty-as-null and --bytes.
 * Owns:  all of it; mapping_release() frees it.
 * Borrows: the options.
 * Fails: ERR_USAGE; ERR_CONFIG if an option does not fit the table. */
#ifndef LOAD_MAPPING_H
#define LOAD_MAPPING_H

#include "db/table.h"
#include "json/scan.h"
#include "load.h"

enum extra { EXTRA_REJECT, EXTRA_IGNORE, EXTRA_ERROR, EXTRA_COLUMN };

struct member {                         /* a member of records */
	char *name;
	size_t len;
	size_t column;                  /* with this name, or SIZE_MAX */
	bool mapped;                    /* it is the first part of a pointer of
	                                 * --map, --table-from or --nested */
	bool mapped_whole;              /* it is the whole of such a pointer */
};

struct mapping {
	const char **pointer;           /* by column: of --map, or NULL */
	bool *named;                    /* by column: --columns or --map names
	                                 * it */
	bool only_named;                /* --columns: load no other column */
	size_t nmapped;                 /* pointers */
	unsigned levels;                /* of nesting of a record, down to the
	                                 * deepest value that a column gets */
	enum extra extra;
	int extra_column;               /* EXTRA_COLUMN, else -1 */
	bool sets_values;               /* an option sets values after all
	                                 * members were read */
	bool empty_as_null;
	bool base64;                    /* --bytes base64 */
	struct member *members;         /* sorted: the names of all columns and
	                                 * the first names of all pointers */
	size_t nmembers;
};

/* Checks all that can be checked without the database. */
int mapping_check(const struct load_opts *o, struct err *e);
/* True if the value of --extra is the name of a column, not a word such as
 * reject. */
bool mapping_has_extra(const struct load_opts *o);
int mapping_open(struct mapping *m, const struct table *t,
    const struct load_opts *o, struct err *e);
void mapping_release(struct mapping *m);
/* Finds what is known about members of this name. Returns NULL if no column has
 * the name and no pointer begins with it. */
const struct member *mapping_find_member(
    const struct mapping *m, const char *name, size_t len);
/* Returns the token of the value that the column gets from a scanned row, or 0
 * if the row has none. */
uint32_t mapping_find_value(const struct mapping *m, const struct table *t,
    struct json *row, size_t column);
/* With --empty-as-null: if the value is an empty string, makes it null. */
void mapping_null_empty(const struct mapping *m, struct json *row,
    uint32_t value);
/* True if the load writes values of records into the column: --columns or --map
 * names it, or there is no --columns and the database does not generate it. */
bool mapping_loads(const struct mapping *m, const struct table *t,
    size_t column);

#endif
