/* The two keys of a change: the key of its row, and the old key, by which an
 * UPDATE finds the row that it changes. */
#ifndef LOAD_CHANGE_KEY_H
#define LOAD_CHANGE_KEY_H

#include "table/change.h"

/* Called for an UPDATE; c->old is the row before the change. If *row lacks
 * columns of the key, adds them from c->old, as the first members of *row. If
 * the key has changed, sets c->moves and replaces c->old by an object with the
 * old key only. */
int change_set_keys(struct change *c, struct json *row, struct err *e);
/* Removes all members from *row except the key. A column of the key that *row
 * lacks is read from *other, which may be NULL. */
int change_keep_key(struct change *c, struct json *row, struct json *other,
    struct err *e);

#endif
