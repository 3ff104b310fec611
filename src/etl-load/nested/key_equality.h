/* Checks that the columns for the parent's key compare values as the key does
 * in the parent. For example, the parent may treat "A" and "a" as equal. If the
 * table of --nested treated them as different, a record with the key "a" would
 * not delete the old rows of "A".
 * Fails: ERR_CONFIG if they compare values in another way. */
#ifndef LOAD_KEY_EQUALITY_H
#define LOAD_KEY_EQUALITY_H

#include "table/target.h"

/* Called when t->scope is known. On SQLite also sets t->scope_where, the
 * condition that finds the old rows with the collation of the parent's key. */
int key_equality_check(struct target *t, const struct target *parent,
    struct db *db, struct err *e);

#endif
