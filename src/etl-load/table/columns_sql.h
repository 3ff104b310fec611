/* Lists of columns as SQL, for the statements that load records of one shape.
 * Each function appends to the buffer. */
#ifndef LOAD_COLUMNS_SQL_H
#define LOAD_COLUMNS_SQL_H

#include "table/record.h"

/* "a", "b": the columns of the shape. With time_columns also those that --touch
 * and --seen set. */
void sql_columns(struct buf *b, const struct target *t, const struct shape *s,
    bool time_columns);
/* "k1", "k2": the columns of the key. */
void sql_key(struct buf *b, const struct target *t);
/* An upsert compares column i of the shape: it is not in the key, and --compare
 * names it. */
bool sql_compared(const struct target *t, const struct shape *s, size_t i);
/* The shape has a compared column, so a record can change an existing row. */
bool sql_can_change(const struct target *t, const struct shape *s);

#endif
