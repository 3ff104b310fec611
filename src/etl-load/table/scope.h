/* The scope of a record in --mode delete-insert: its values in the columns of
 * --scope. The load replaces the rows that have these values. */
#ifndef LOAD_SCOPE_H
#define LOAD_SCOPE_H

#include "table/record.h"

/* Reads the scope of the record in the line: its values are in r->json and
 * r->value until the next call. Looks at nothing else in the record, so it also
 * reads the scope of many records that are rejected. Returns 1; 0: the line has
 * no readable scope; -1 with *e. */
int scope_read(struct reader *r, const struct line *l, struct err *e);
/* Appends the record that has the scope `value`, an argument of --scope-value,
 * and no other members. */
int scope_put_record(struct buf *b, const struct target *t, const char *value,
    struct err *e);

#endif
