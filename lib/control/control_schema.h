/* Finds the PostgreSQL schema that holds the control tables, and creates it if
 * the user has named one that is missing.
 * Fails: see control_ensure(). */
#ifndef CONTROL_CONTROL_SCHEMA_H
#define CONTROL_CONTROL_SCHEMA_H

#include "db/db.h"

/* Calls db_set_schema(), unless an earlier call has done so. */
int control_find_schema(struct db *db, const char *name,
    bool creates_missing_schema, struct err *e);

#endif
