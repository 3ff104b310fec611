/* The columns of a table as the database's catalog describes them.
 * Owns:  all texts and fields; columns_free() frees them, also after a failure.
 * Gives: an array of *n columns in *columns. Both must be 0 before the call. */
#ifndef DB_COLUMNS_H
#define DB_COLUMNS_H

#include "db/table.h"

/* `strict` is true for a STRICT table of SQLite. */
int columns_read_with_composite_fields(struct column **columns, size_t *n,
    struct db *db, const char *schema, const char *base, bool strict,
    struct err *e);
void columns_free(struct column *columns, size_t n);

/* Copies a text that the catalog returned; NULL becomes "". The caller frees
 * the copy. Returns NULL if memory is out. */
char *db_value_copy_text(struct db_value v);
bool db_value_is_nonzero_int(struct db_value v);

#endif
