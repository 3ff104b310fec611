/* Finds the column that an option names. Blanks around the name are ignored,
 * unless the table has a column whose name contains these blanks.
 * Fails: ERR_CONFIG if the table has no such column. */
#ifndef LOAD_OPTION_COLUMN_H
#define LOAD_OPTION_COLUMN_H

#include "db/table.h"

int option_find_column(const struct table *t, const char *option,
    const char *name, size_t len, size_t *column, struct err *e);

#endif
