/* Finds out from the type of a column which values it accepts.
 * Gives: kind, element, numeric and change of struct column, and min and max
 *        of COLUMN_INT. */
#ifndef DB_COLUMN_H
#define DB_COLUMN_H

#include "db/table.h"

/* SQLite. declared: the type in the column's declaration, in any case. strict:
 * the table is STRICT; its columns have types but no affinity. */
void column_set_kind_from_sqlite_type(
    struct column *c, const char *declared, bool strict);
/* PostgreSQL. type: typname of pg_type; for a domain, that of the type under
 * it. element: the same for the elements of an array, else NULL. */
void column_set_kind_from_pg_type(
    struct column *c, const char *type, const char *element);
/* PostgreSQL. Sets change and change_limit. type and limit: as the query
 * table_columns gives them. */
void column_set_change_from_pg_type(
    struct column *c, const char *type, int64_t limit);

#endif
