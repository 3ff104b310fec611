/* The part of a plan that says for each column where its value comes from. */
#ifndef LOAD_PLAN_COLUMNS_H
#define LOAD_PLAN_COLUMNS_H

#include "table/target.h"

void plan_put_columns(struct buf *b, const struct target *t, bool evolve);

#endif
