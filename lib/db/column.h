/* What values a column takes, by the name of its type.
 * Gives: kind, and for COLUMN_INT min and max. */
#ifndef DB_COLUMN_H
#define DB_COLUMN_H

#include "db/table.h"

/* declared: SQLite's column declaration, any case. */
void column_declared(struct column *c, const char *declared);
/* A name of pg_type, its domains resolved. */
void column_typed(struct column *c, const char *type, bool array);

#endif
