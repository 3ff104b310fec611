/* The statements of a load into SQLite, for --plan. */
#ifndef LOAD_SQLITE_PLAN_H
#define LOAD_SQLITE_PLAN_H

#include "table/target.h"

/* Appends them for records of this shape, each with ";" and a newline. */
void sqlite_put_plan(
    struct buf *b, const struct target *t, const struct shape *s);

#endif
