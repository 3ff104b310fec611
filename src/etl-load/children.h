/* The tables of --nested: makes them (--create), and finds the columns that the
 * loader itself sets. */
#ifndef LOAD_CHILDREN_H
#define LOAD_CHILDREN_H

#include "base/buf.h"
#include "target.h"

/* The columns of a table of --nested that the loader itself sets: the key of
 * the record that contains the element, and the place of the element in its
 * array.
 * Fails: ERR_CONFIG if the table has no columns for the key. */

/* CHILD_POSITION is the column for the place in the array. CHILD_VALUE is the
 * member, and so the column, of an element that is not an object. */
#define CHILD_POSITION "_index"
#define CHILD_VALUE "value"

/* Sets t->scope, the columns for the parent's key in the order of this key, and
 * t->position. If exactly one foreign key of the table refers to the parent's
 * key, t->scope gets its columns. Otherwise it gets the columns with the names
 * of child_put_key_name(). */
int child_set_columns(struct target *t, const struct target *parent,
    struct db *db, struct err *e);
/* True if the loader itself sets the column of this name: it is for the
 * parent's key or for the position. */
bool child_sets_column(const struct target *t, const char *name, size_t len);

/* --create makes the tables of --nested that do not exist, after their parents,
 * from the elements of the first records. The columns for the parent's key have
 * the same types as in the parent.
 * Fails: ERR_DATA if no record of the sample has an element: the pointer may be
 *        mistyped. */

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
