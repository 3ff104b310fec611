/* Finds the PostgreSQL schema that holds the control tables. If the user has
 * named a schema that does not exist, creates it. Refuses control tables that
 * belong to another role.
 * Fails: see control_ensure_tables(). */
#ifndef CONTROL_CONTROL_SCHEMA_H
#define CONTROL_CONTROL_SCHEMA_H

#include "db/db.h"

/* Finds the schema and calls db_set_schema(), unless an earlier call has done
 * so. Then checks the owner of each control table and of the functions of its
 * triggers. Allowed owners are the current role, a role of which it is a
 * member, and the owner of the database. Any other owner could have its own
 * commands executed as the current role, so the call fails with ERR_DENIED.
 * *present is false if there is no table etl_control. With SQLite, which has no
 * schemas and no roles, *present is always true. */
int control_use_schema(struct db *db, const char *name,
    bool creates_missing_schema, bool *present, struct err *e);
/* Repeats only the check of the owners, after the schema was found. If
 * renamed_too is true, also checks the tables of another tool that
 * old_tables_rename() has renamed. */
int control_check_owners(struct db *db, bool renamed_too, struct err *e);

#endif
