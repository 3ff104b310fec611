/* Tables that refer to the table that is loaded or inherit from it.
 * Fails: ERR_CONFIG, and the message names the other table. */
#ifndef LOAD_REFERRING_H
#define LOAD_REFERRING_H

#include "table/target.h"

/* Fails if the database would delete or change rows of a table because rows of
 * the target are deleted (ON DELETE CASCADE, SET NULL or SET DEFAULT, or a
 * table that inherits from it): no count would show this. Also fails for a
 * foreign key that is checked at the commit only: the sinks check such keys for
 * each record, while the row that other rows refer to may come later. */
int refuse_referring_tables(
    const struct target *t, struct db *db, struct err *e);

#endif
