/* --create makes the tables of --nested that do not exist, after their parents,
 * from the elements of the first records. The columns for the parent's key have
 * the same types as in the parent.
 * Fails: ERR_DATA if no record of the sample has an element: the pointer may be
 *        mistyped. */
#ifndef LOAD_CREATE_CHILDREN_H
#define LOAD_CREATE_CHILDREN_H

#include "base/buf.h"

struct loader;

/* Makes each missing table. If `ddl` is NULL, each one is made in a transaction
 * of its own. Otherwise they are made in the open transaction, and their
 * statements are appended to ddl. Sets l->absent if a table is missing and the
 * input has no record. */
int create_children(struct loader *l, struct buf *ddl, struct err *e);
/* Called before the parent is made. Fails if a table of --nested does not exist
 * and no record of the sample has an element for it: the pointer may be
 * mistyped. */
int create_check_children(struct loader *l, struct err *e);
/* Sets *missing to true if one of the tables of --nested does not exist. */
int create_find_missing(struct loader *l, bool *missing, struct err *e);

#endif
