/* The SQLite statements that load records of one shape. Parameters: $1, $2
 * ... the values of the shape's columns in order, then the present time. */
#ifndef LOAD_SQLITE_SQL_H
#define LOAD_SQLITE_SQL_H

#include "table/record.h"

void sqlite_put_insert(struct buf *b, const struct target *t,
    const struct shape *s);
/* Updates the row of this key if a compared column differs. */
void sqlite_put_update(struct buf *b, const struct target *t,
    const struct shape *s);
/* Sets the column of --seen in the row of this key. */
void sqlite_put_update_seen(struct buf *b, const struct target *t,
    const struct shape *s);
/* Appends WHERE "k" = $1 AND ...: the rows of this key. */
void sqlite_put_where_key(struct buf *b, const struct target *t,
    const struct shape *s);

#endif
