/* Deletes the rows that the modes `replace` and `delete-insert` replace: all
 * rows of the table, or those of the scopes. Does nothing in other modes. */
#ifndef LOAD_OLD_ROWS_H
#define LOAD_OLD_ROWS_H

#include "loader.h"

/* Called before anything is read. Fails with ERR_CONFIG or ERR_DENIED if the
 * load may not delete rows of the table, for example because rows of another
 * table would be deleted or changed with them, or if the table cannot have a
 * value of --scope-value. */
int old_rows_check_before_load(struct loader *l, struct err *e);
/* Called in the open transaction of a batch, before its first record is
 * written. Deletes the rows and counts them as removed. */
int old_rows_delete(struct loader *l, struct err *e);
/* Called just before the COMMIT. Puts a new table in the place of the table, if
 * the sink has made one. */
int old_rows_swap_tables(struct loader *l, struct err *e);
/* Called before the COMMIT. Fails with ERR_DATA if --mode replace would leave
 * an empty table, unless --allow-empty is given. */
int old_rows_refuse_empty_table(const struct loader *l, struct err *e);

#endif
