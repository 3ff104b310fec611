/* The keys of a change: that of its row, and the one by which an update finds
 * the row that it changes. */
#ifndef LOAD_CHANGE_KEY_H
#define LOAD_CHANGE_KEY_H

#include "table/change.h"

/* c->old has the row before an update. Adds columns of the key that only this
 * row has to *row, as its first members. If the key has changed, sets c->moves,
 * and c->old becomes an object with the old key alone. */
int change_find_old_key(struct change *c, struct json *row, struct err *e);
/* Removes all members of *row but the key. Takes a column of the key that *row
 * lacks from *other (or NULL). */
int change_reduce_row_to_key(struct change *c, struct json *row,
    struct json *other, struct err *e);

#endif
