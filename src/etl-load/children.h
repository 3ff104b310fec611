/* The columns of a table of --nested that the loader itself sets: the key of
 * the record that contains the element, and the place of the element in its
 * array.
 * Fails: ERR_CONFIG if the table has no columns for the key. */
#ifndef LOAD_CHILDREN_H
#define LOAD_CHILDREN_H

#include "base/buf.h"
#include "target.h"

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
/* Appends the name of the column for part `number` of the parent's key: the
 * name of the parent, an underscore, and the name of the key column, such as
 * orders_id. */
void child_put_key_name(
    struct buf *b, const struct target *parent, size_t number);
/* True if the loader itself sets the column of this name: it is for the
 * parent's key or for the position. */
bool child_sets_column(const struct target *t, const char *name, size_t len);

#endif
