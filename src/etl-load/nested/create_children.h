/* --create makes the tables of --nested that do not exist, after their parents,
 * from the elements of the first records. The columns of the parent's key have
 * the types that they have in the parent.
 * Fails: ERR_DATA if the sample has no element, as a mistyped pointer has. */
#ifndef LOAD_CREATE_CHILDREN_H
#define LOAD_CREATE_CHILDREN_H

#include "base/buf.h"

struct loader;

/* Makes each table in a transaction of its own or, if `ddl` is not NULL, in the
 * open transaction: appends its statements to ddl then. Sets l->absent if a
 * table is missing and the input has no record. */
int create_children_if_missing(
    struct loader *l, struct buf *ddl, struct err *e);
/* Called before the parent is made. Fails if a table of --nested is missing and
 * the sample has no element for it: the pointer may be mistyped. */
int create_fail_if_child_has_no_columns(struct loader *l, struct err *e);
/* *missing: such a table does not exist. */
int create_find_if_child_missing(
    struct loader *l, bool *missing, struct err *e);

#endif
