/* The columns of a table as the database's catalog describes them.
 * Owns:  all texts and fields; columns_free() frees them, also after a failure.
 * Gives: an array of *n columns in *columns. Both must be 0 before the call. */
#ifndef DB_COLUMNS_H
#define DB_COLUMNS_H

#include "db/table.h"

/* Reads the columns of a table or composite type, and the fields of composite
 * columns. `strict` is true for a STRICT table of SQLite. */
int columns_read(struct column **columns, size_t *n, struct db *db,
    const char *schema, const char *base, bool strict, struct err *e);
void columns_free(struct column *columns, size_t n);

/* Copies a text that the catalog returned; NULL becomes "". The caller frees
 * the copy. Returns NULL if memory is out. */
char *db_copy_text(struct db_value v);
/* Returns true for an integer other than 0. */
bool db_value_is_true(struct db_value v);

#endif
