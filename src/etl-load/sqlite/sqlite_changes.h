/* For --mode cdc: applies deletes, and updates that change the key. For any
 * other update, finds out whether its row exists.
 * Gives: LITE_DELETED; LITE_MISSED: a delete found no row; LITE_UPDATED: an
 *        update has changed the key; LITE_FOUND or LITE_NOT_FOUND: the caller
 *        must update or insert the row; LITE_REFUSED: no row was found, with
 *        --strict: s->fault and s->why are set. */
#ifndef LOAD_SQLITE_CHANGES_H
#define LOAD_SQLITE_CHANGES_H

#include "sqlite/sqlite_statements.h"

enum lite_result lite_apply_change(struct lite_store *s,
    struct lite_statements *st, const struct shape *shape, struct err *e);
/* Sets *found to true if the table has a row with the key of the record or,
 * with `old`, with the old key. */
int lite_find_row(struct lite_store *s, struct lite_statements *st,
    const struct shape *shape, bool old, bool *found, struct err *e);

#endif
