/* The column of --soft-delete. A load that would delete a row stores a mark in
 * this column instead: the time or, in a boolean column, true. In a row that is
 * not deleted the column is NULL or false. */
#ifndef LOAD_SOFT_DELETE_H
#define LOAD_SOFT_DELETE_H

#include "base/buf.h"
#include "table/target.h"

/* Chooses the mark of deleted rows by the type of column t->soft_delete. Fails
 * with ERR_CONFIG if the column can hold no mark. */
int soft_delete_choose(struct target *t, enum db_kind kind, struct err *e);
/* Returns, as SQL, the value that the column has in a row that is not
 * deleted. */
const char *soft_delete_live(const struct target *t);
/* Appends a condition that is true if the row `row` is marked as deleted. `row`
 * is an SQL name with a dot behind it, or "". */
void soft_delete_put_marked(struct buf *b, const struct target *t,
    const char *row);
/* With --soft-delete, appends `before` and a condition that is true if the row
 * is not marked as deleted; in --mode scd2 the condition is true if the row is
 * current. Without the option appends nothing. */
void soft_delete_put_live(struct buf *b, const struct target *t,
    const char *before, const char *row);

#endif
