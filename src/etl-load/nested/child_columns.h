/* The columns of a table of --nested that the loader sets: the key of the
 * record that has the element, and the place of the element in its array.
 * Fails: ERR_CONFIG if the table has no columns for the key. */
#ifndef LOAD_CHILD_COLUMNS_H
#define LOAD_CHILD_COLUMNS_H

#include "table/target.h"

/* Names of columns and, where an element is no object, of its member. */
#define CHILD_POSITION "_index"
#define CHILD_VALUE "value"

/* Sets t->scope, in the order of the parent's key, and t->position. The columns
 * of the key are those of the only foreign key to the parent's key. If there is
 * none, they have the names of child_put_key_name(). */
int child_find_columns(struct target *t, const struct target *parent,
    struct db *db, struct err *e);
/* Appends the name: table, underscore, column of the key. */
void child_put_key_name(
    struct buf *b, const struct target *parent, size_t number);
/* True if --nested sets the column of this name. */
bool child_sets_column(const struct target *t, const char *name, size_t len);

#endif
