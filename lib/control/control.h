/* Creates the control tables (pipeline_runs, dead_letters, etl_checkpoints,
 * etl_loads ...) if they are missing, and migrates them if they have an older
 * version. Two programs may do this at the same time.
 * Fails: ERR_CONFIG (78) if the tables have a newer version than this
 *        program, ERR_DENIED (77) if they belong to another role. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "db/db.h"

enum { CONTROL_VERSION = 5 };

/* SCHEMA: the value of --control-schema, or NULL: then the environment variable
 * ETL_CONTROL_SCHEMA names the schema; if that is not set, the schema is the
 * first of the search path. A schema that is missing is created if
 * `creates_missing_schema` is true, else it is ERR_CONFIG. SQLite has no
 * schemas: ERR_USAGE. */
int control_ensure(struct db *db, const char *schema,
    bool creates_missing_schema, struct err *e);
/* Opens the database (db_open(), or db_open_present() if not
 * `creates_missing`), finds the schema of the control tables and checks their
 * owners. */
int control_open(struct db **db, const char *url, const char *schema,
    bool creates_missing, struct err *e);
/* Does the same and ensures the tables. */
int control_open_and_ensure(struct db **db, const char *url,
    const char *schema, bool creates_missing, struct err *e);

/* Call this in a transaction before control rows are locked. If this client
 * sends nothing for 60 seconds, the server ends the transaction, so the locks
 * of a crashed host do not stay. */
int control_limit_idle_time(struct db *db, struct err *e);

#endif
