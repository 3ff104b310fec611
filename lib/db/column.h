/* Finds out from the type of a column which values the column accepts.
 * Gives: the members kind, element, numeric and change of struct column, and
 *        min and max for COLUMN_INT. */
#ifndef DB_COLUMN_H
#define DB_COLUMN_H

#include "db/table.h"

/* For SQLite. `declared` is the type in the column's declaration, in upper or
 * lower case. `strict` is true for a STRICT table: its columns have types but
 * no affinity. */
void column_set_kind_sqlite(struct column *c, const char *declared,
    bool strict);
/* For PostgreSQL. `type` is typname of pg_type; for a domain it is the type on
 * which the domain is based. If the column is an array, `element` is the same
 * for its elements, else NULL. */
void column_set_kind_pg(struct column *c, const char *type,
    const char *element);
/* For PostgreSQL. Sets change and change_limit, from the two values that the
 * statement table_columns (sql/postgresql/catalog.sql) returns for a column. */
void column_set_change_pg(struct column *c, const char *type, int64_t typmod);

#endif
