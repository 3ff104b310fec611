/* --newer-by on PostgreSQL: pieces of statements that leave a row alone if it
 * is newer than the record. The server compares two values as it orders them in
 * ORDER BY, by their type and the collation of the column.
 * Borrows: the target, whose newer_by is a column. */
#ifndef LOAD_PG_NEWER_H
#define LOAD_PG_NEWER_H

#include "table/record.h"

/* Fails with ERR_CONFIG if values of the column have no order: json, for
 * example. */
int pg_check_newer_by_has_order(
    struct db *db, const struct target *t, struct err *e);
/* Appends a condition that is true if row `one` is newer than row `other`. A
 * row with NULL in the column is not newer than any. */
void pg_put_is_newer(struct buf *b, const struct target *t, const char *one,
    const char *other);

#endif
