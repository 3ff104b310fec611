/* Deletes the rows that a load replaces: with --mode replace all rows of the
 * table, with --mode delete-insert the rows of the scopes. Does nothing in
 * other modes. */
#ifndef LOAD_REPLACE_H
#define LOAD_REPLACE_H

#include "loader.h"

/* Called before anything is read. Fails with ERR_CONFIG or ERR_DENIED if the
 * load may not delete rows of the table, for example because the database would
 * delete rows of another table with them. Also fails if the columns of --scope
 * cannot hold a value of --scope-value. */
int old_rows_check(struct loader *l, struct err *e);
/* Called in the open transaction of a batch, before its first record is
 * written. Deletes the rows and counts them as removed. */
int old_rows_delete(struct loader *l, struct err *e);
/* Called just before the COMMIT. If the sink has made a new table for the rows,
 * drops the old table and gives the new one its name. */
int old_rows_swap(struct loader *l, struct err *e);
/* --mode delete-insert: notes the scopes of rejected records. Called after the
 * sink has applied a chunk to the table *t. */
int old_rows_note_rejects(
    struct loader *l, struct loaded_table *t, struct err *e);
/* Called before the COMMIT. Fails with ERR_DATA if --mode delete-insert has
 * deleted rows of a scope of which a record was rejected, unless
 * --delete-despite-rejects is given. */
int old_rows_check_rejects(struct loader *l, struct err *e);
/* Called before the COMMIT. Fails with ERR_DATA if --mode replace would leave
 * an empty table, or if --mode delete-insert has deleted rows and inserted
 * none, unless --allow-empty is given. */
int old_rows_check_empty(const struct loader *l, struct err *e);

#endif
