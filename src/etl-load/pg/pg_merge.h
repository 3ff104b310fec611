/* Parts of the statements that merge rows into a table of PostgreSQL. Each
 * function appends SQL to the buffer. */
#ifndef LOAD_PG_MERGE_H
#define LOAD_PG_MERGE_H

#include "row.h"
#include "target.h"

/* For --keep-before and --emit on PostgreSQL, in a mode without a key: each
 * INSERT also notes the keys of its rows. Each function appends SQL to the
 * buffer. */

/* The table of the keys of rows that the transaction may have changed
 * (pg_sets.c). */
#define PG_TOUCHED "pg_temp.etl_load_touched"

/* Returns true if each INSERT must note the keys of its rows. */
bool pg_notes_inserted(const struct target *t);
/* Appends the columns that identify a row, for RETURNING: , "etl.t"."id" */
void pg_put_returned_keys(struct buf *b, const struct target *t);
/* Appends , "etl.k" AS (...) to a WITH clause: it stores the keys that the
 * INSERT "m" of this clause returns. */
void pg_put_note_returned(struct buf *b, const struct target *t);

/* For --newer-by on PostgreSQL: pieces of statements that do not change a row
 * if it is newer than the record. The server compares two values as ORDER BY
 * does, by their type and the collation of the column.
 * Borrows: the target, whose newer_by is a column. */

/* Fails with ERR_CONFIG if the column has a type without an order, such as
 * json. */
int pg_check_newer_by(struct db *db, const struct target *t, struct err *e);
/* Appends a condition that is true if row `one` is newer than row `other`. If
 * the column is NULL in row `one`, the condition is false. */
void pg_put_is_newer(struct buf *b, const struct target *t, const char *one,
    const char *other);

#endif
