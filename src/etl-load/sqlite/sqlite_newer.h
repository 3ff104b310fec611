/* --newer-by on SQLite: compares the row of a record's key with the record.
 * SQLite compares two values by the type and the collation of the column. Only
 * two times with an offset, in a column of a date or time type, are compared as
 * moments: SQLite stores them as text and would compare them as text.
 * Borrows: all arguments. */
#ifndef LOAD_SQLITE_NEWER_H
#define LOAD_SQLITE_NEWER_H

#include "sqlite/sqlite_store.h"

/* Appends a query of the column in the row of the record's key, and of whether
 * SQLite takes it for greater than the record's value. */
void sqlite_put_select_newer(
    struct buf *b, const struct target *t, const struct shape *s);
/* Runs this query. Returns 1 if the row is newer than the record, else 0 (also
 * if there is no row, or it has NULL in the column); -1 with *e. */
int lite_row_is_newer(const struct lite_store *s, struct db_stmt *query,
    const struct shape *shape, struct err *e);

#endif
