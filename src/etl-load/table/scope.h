/* The scope of a record in --mode delete-insert: its values in the columns of
 * --scope. The load replaces the rows that have these values. */
#ifndef LOAD_SCOPE_H
#define LOAD_SCOPE_H

#include "table/record.h"

/* Appends the record that has the scope `value`, an argument of --scope-value,
 * and no other members. */
int scope_put_record(struct buf *b, const struct target *t, const char *value,
    struct err *e);

#endif
