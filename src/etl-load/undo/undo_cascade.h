/* Rows that the database would delete or change with the rows that an undo
 * deletes, because a foreign key says ON DELETE CASCADE, SET NULL or SET
 * DEFAULT.
 * Borrows: everything in struct undo_rows. The caller has begun a transaction.
 * Fails: ERR_DATA if there are such rows; the message names their table. */
#ifndef LOAD_UNDO_CASCADE_H
#define LOAD_UNDO_CASCADE_H

#include "undo/undo_rows.h"

/* Fails if a foreign key would delete or change rows together with the rows of
 * this table that the undo deletes. Ignores rows of all tables of the undo that
 * the run itself has written. Locks the rows that the undo will delete. */
int undo_cascade_check(const struct undo_rows *u, const struct undo_table *t,
    struct err *e);

#endif
