/* The column of --soft-delete. A load that may delete rows marks a row as
 * deleted there instead: by the time or, in a boolean column, by true. A row
 * that is not deleted has NULL, or false. */
#ifndef LOAD_SOFT_DELETE_H
#define LOAD_SOFT_DELETE_H

#include "base/buf.h"
#include "table/target.h"

/* Finds out which values mark a row, from the type of column t->soft_delete.
 * Fails with ERR_CONFIG if the column cannot hold them. */
int soft_delete_read_type(struct target *t, enum db_kind kind, struct err *e);
/* The value of a row that is not deleted, as SQL. */
const char *soft_delete_live_value(const struct target *t);
/* Appends a condition that is true if the row `row` is marked as deleted. `row`
 * is an SQL name with a dot behind it, or "". */
void soft_delete_put_is_marked(
    struct buf *b, const struct target *t, const char *row);
/* With --soft-delete, appends `before` and the opposite condition. In --mode
 * scd2 the condition is that the row is current. */
void soft_delete_put_is_live(struct buf *b, const struct target *t,
    const char *before, const char *row);

#endif
