/* Finds the PostgreSQL schema that holds the control tables, and creates it if
 * the user has named one that is missing. Refuses control tables of others.
 * Fails: see control_ensure(). */
#ifndef CONTROL_CONTROL_SCHEMA_H
#define CONTROL_CONTROL_SCHEMA_H

#include "db/db.h"

/* Calls db_set_schema(), unless an earlier call has done so. Fails with
 * ERR_DENIED if a control table or the function of one of its triggers belongs
 * to another role than the current role, a role of which it is a member, or the
 * owner of the database: this role could run its own commands as the current
 * role. Sets *present to false if there is no table etl_control. SQLite has no
 * schemas and no roles: *present is always true. */
int control_find_schema_and_refuse_tables_of_others(struct db *db,
    const char *name, bool creates_missing_schema, bool *present,
    struct err *e);
/* The same check once more, after the schema was found. If renamed_too is true,
 * it includes the renamed tables of another tool. */
int control_refuse_tables_of_others(struct db *db, bool renamed_too,
    struct err *e);

#endif
