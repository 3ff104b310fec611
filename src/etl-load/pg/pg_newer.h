/* For --newer-by on PostgreSQL: pieces of statements that do not change a row
 * if it is newer than the record. The server compares two values as ORDER BY
 * does, by their type and the collation of the column.
 * Borrows: the target, whose newer_by is a column. */
#ifndef LOAD_PG_NEWER_H
#define LOAD_PG_NEWER_H

#include "table/record.h"

/* Fails with ERR_CONFIG if the column has a type without an order, such as
 * json. */
int pg_check_newer_by(struct db *db, const struct target *t, struct err *e);
/* Appends a condition that is true if row `one` is newer than row `other`. If
 * the column is NULL in row `one`, the condition is false. */
void pg_put_is_newer(struct buf *b, const struct target *t, const char *one,
    const char *other);

#endif
