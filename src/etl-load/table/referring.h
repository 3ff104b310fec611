/* Finds tables that refer to the target by a foreign key, or inherit from it.
 * Fails: ERR_CONFIG, and the message names the other table. */
#ifndef LOAD_REFERRING_H
#define LOAD_REFERRING_H

#include "table/target.h"

/* Fails if the database would delete or change rows of another table when rows
 * of the target are deleted, because no count would show these changes: ON
 * DELETE CASCADE, SET NULL or SET DEFAULT, or a table that inherits from the
 * target. Also fails for a foreign key that is checked only at the commit. The
 * sinks check foreign keys for each record, but in this case the row that a
 * record refers to may come with a later record. */
int check_referring(const struct target *t, struct db *db, struct err *e);

#endif
