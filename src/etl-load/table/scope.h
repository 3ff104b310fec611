/* The scope of a record in --mode delete-insert: the values that it has in the
 * columns of --scope. The load first deletes all rows that have these values in
 * these columns. */
#ifndef LOAD_SCOPE_H
#define LOAD_SCOPE_H

#include "table/record.h"

/* Appends a record that has only the members of the scope `value`, an argument
 * of --scope-value. */
int scope_put_record(struct buf *b, const struct target *t, const char *value,
    struct err *e);

#endif
