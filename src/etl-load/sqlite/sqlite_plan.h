/* For --plan: the statements that a load into SQLite would run. */
#ifndef LOAD_SQLITE_PLAN_H
#define LOAD_SQLITE_PLAN_H

#include "table/target.h"

/* Appends the statements for records that have exactly the columns of the
 * shape. Each one ends with ";" and a newline. */
void sqlite_put_load(struct buf *b, const struct target *t,
    const struct shape *s);

#endif
