/* The statements of one shape on SQLite. Parameters: $1.. the shape's columns
 * in order, then the time of now. */
#ifndef LOAD_SQLITE_SQL_H
#define LOAD_SQLITE_SQL_H

#include "table/record.h"

void sqlite_insert(struct buf *b, const struct target *t,
    const struct shape *s);
/* Of a row that is there: where it differs; and the mark of --seen. */
void sqlite_update(struct buf *b, const struct target *t,
    const struct shape *s);
void sqlite_seen(struct buf *b, const struct target *t,
    const struct shape *s);

#endif
