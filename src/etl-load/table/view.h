/* Checks a view that --table names in place of a table.
 * Fails: ERR_CONFIG if the database cannot insert into the view, or would not
 *        show what the mode must know about its rows. */
#ifndef LOAD_VIEW_H
#define LOAD_VIEW_H

#include "db/table.h"
#include "table/mode.h"

/* Returns 0 if `t` is no view. */
int view_check(const struct table *t, const struct load_mode *mode,
    struct db *db, struct err *e);

#endif
