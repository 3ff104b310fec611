/* --newer-by on SQLite: compares a record with the row of its key. SQLite
 * compares two values by the type and the collation of the column. But it
 * stores times as text. So if the column has a date or time type and both texts
 * are times with an offset from UTC, this program compares them as points in
 * time.
 * Borrows: all arguments. */
#ifndef LOAD_SQLITE_NEWER_H
#define LOAD_SQLITE_NEWER_H

#include "sqlite/sqlite_store.h"

/* Appends a query of the row with the record's key. It returns the value of the
 * column, and 1 if SQLite finds this value greater than that of the record. */
void sqlite_put_newer(struct buf *b, const struct target *t,
    const struct shape *s);
/* Runs this query. Returns 1: the row is newer than the record; 0: it is not,
 * or it has NULL in the column, or there is no row; -1 with *e. */
int lite_row_is_newer(const struct lite_store *s, struct db_stmt *query,
    const struct shape *shape, struct err *e);

#endif
