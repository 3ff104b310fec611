/* Deletes the rows that --mode delete-insert replaces. Does nothing in the
 * other modes. */
#ifndef LOAD_SCOPES_H
#define LOAD_SCOPES_H

#include "loader.h"

/* Called before anything is read. Fails with ERR_CONFIG if the table does not
 * know a value of --scope-value, or if the load may not delete rows, because
 * rows of another table would be deleted or changed with them. */
int check_scopes_before_load(struct loader *l, struct err *e);
/* Called in the open transaction of a batch, before its first record is
 * written. Deletes all rows whose scope a record of the batch has or
 * --scope-value names, and counts them as removed. */
int delete_scopes_of_batch(struct loader *l, struct err *e);

#endif
