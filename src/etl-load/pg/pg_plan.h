/* The statements of a load into PostgreSQL, for --plan. */
#ifndef LOAD_PG_PLAN_H
#define LOAD_PG_PLAN_H

#include "table/target.h"

/* Appends them for records of this shape, each with ";" and a newline. */
void pg_put_plan(
    struct buf *b, const struct target *t, const struct shape *s);

#endif
