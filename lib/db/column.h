/* What values a column takes, by the name of its type.
 * Gives: kind, for COLUMN_INT min and max, and numeric. */
#ifndef DB_COLUMN_H
#define DB_COLUMN_H

#include "db/table.h"

/* declared: SQLite's column declaration, any case; strict: of a STRICT table,
 * whose columns have no affinity but their type. */
void column_declared(struct column *c, const char *declared, bool strict);
/* A name of pg_type, its domains resolved; element: of an array, or NULL. */
void column_typed(struct column *c, const char *type, const char *element);

#endif
