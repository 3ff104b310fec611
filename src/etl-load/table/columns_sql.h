/* Pieces of the statements that load a shape: appended to a buffer. */
#ifndef LOAD_COLUMNS_SQL_H
#define LOAD_COLUMNS_SQL_H

#include "table/record.h"

/* "a", "b": columns of the shape; with --touch and --seen those too. */
void sql_columns(struct buf *b, const struct target *t, const struct shape *s,
    bool markers);
/* "k1", "k2" */
void sql_key(struct buf *b, const struct target *t);
/* The same value, byte for byte, may come again in this column: it is
 * compared, and no column of the key. */
bool sql_compared(const struct target *t, const struct shape *s, size_t i);
/* A row that is there already can differ in something. */
bool sql_can_change(const struct target *t, const struct shape *s);

#endif
