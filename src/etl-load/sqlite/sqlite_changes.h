/* The changes of --mode cdc that need a row to be there: updates and deletes.
 * Gives: LITE_DELETED, LITE_MISSED, or LITE_UPDATED if the update has changed
 *        the key. Of any other update LITE_FOUND or LITE_NOT_FOUND: the caller
 *        updates or inserts the row. With --strict a change without a row is
 *        LITE_REFUSED; s->fault and s->why are set. */
#ifndef LOAD_SQLITE_CHANGES_H
#define LOAD_SQLITE_CHANGES_H

#include "sqlite/sqlite_statements.h"

enum lite_result lite_delete_move_or_find_row(struct lite_store *s,
    struct lite_statements *st, const struct shape *shape, struct err *e);

#endif
