/* The columns of a table as the database's catalog describes them.
 * Owns:  all texts and fields; columns_free() frees them, also after a failure.
 * Gives: *columns has *n columns; both must be 0 before. */
#ifndef DB_COLUMNS_H
#define DB_COLUMNS_H

#include "db/table.h"

/* strict: the table is a STRICT table of SQLite. */
int columns_read(struct column **columns, size_t *n, struct db *db,
    const char *schema, const char *base, bool strict, struct err *e);
void columns_free(struct column *columns, size_t n);

/* A text value of the catalog as a new string, "" for NULL; NULL without
 * memory. */
char *db_value_copy_text(struct db_value v);
bool db_value_is_true(struct db_value v);

#endif
