/* The columns by which --keep-before and --emit find a row again: those of the
 * primary key or, if the table has none, those of --key.
 * Owns:  t->identity.columns, which target_close() frees.
 * Fails: ERR_CONFIG if the table has neither. */
#ifndef LOAD_ROW_IDENTITY_H
#define LOAD_ROW_IDENTITY_H

#include "table/target.h"

int target_set_identity(struct target *t, struct err *e);

#endif
