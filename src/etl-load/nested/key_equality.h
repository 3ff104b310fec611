/* Whether the columns of a table of --nested that have the record's key compare
 * values as the parent's key does. If they do not, the old rows of a record
 * whose key is written in another way would stay: the parent may take "A" and
 * "a" as one key.
 * Fails: ERR_CONFIG if they do not. */
#ifndef LOAD_KEY_EQUALITY_H
#define LOAD_KEY_EQUALITY_H

#include "table/target.h"

/* Called when t->scope is known. On SQLite the old rows can be found by the
 * collation of the parent's key: sets t->scope_where. */
int key_equality_check(struct target *t, const struct target *parent,
    struct db *db, struct err *e);

#endif
