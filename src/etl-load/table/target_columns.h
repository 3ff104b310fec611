/* Finds the columns that the options of etl-load name: --key, --compare,
 * --touch, --scope and others.
 * Fails: ERR_CONFIG if the table has no such column, or if two options
 *        contradict each other. */
#ifndef LOAD_TARGET_COLUMNS_H
#define LOAD_TARGET_COLUMNS_H

#include "table/target.h"

/* Finds the columns that the options name, and checks that they fit the mode
 * and each other. The arrays of *t have room for all columns of the table. */
int target_set_columns(struct target *t, struct db *db,
    const struct load_opts *o, struct err *e);
/* Finds the columns of a list "a,b" that an option gives, also columns that the
 * database generates. `columns` has room for all columns of the table. */
int target_find_columns(const struct table *t, const char *option,
    const char *list, size_t *columns, size_t *n, struct err *e);

#endif
