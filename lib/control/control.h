/* Creates the control tables (pipeline_runs, dead_letters, etl_checkpoints,
 * etl_loads ...) if they are missing, and migrates them if they have an older
 * version. Two programs may do this at the same time.
 * Fails: ERR_CONFIG (78) if the tables have a newer version than this
 *        program, ERR_DENIED (77) if they belong to another role. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "db/db.h"

enum { CONTROL_VERSION = 7 };

/* SCHEMA is the value of --control-schema, or NULL. If it is NULL, the
 * environment variable ETL_CONTROL_SCHEMA names the schema. If that is not set
 * either, the first schema of the search path is used. If the named schema does
 * not exist, it is created if `creates_missing_schema` is true; else the call
 * fails with ERR_CONFIG. With SQLite, which has no schemas, a SCHEMA fails with
 * ERR_USAGE. */
int control_ensure_tables(struct db *db, const char *schema,
    bool creates_missing_schema, struct err *e);
/* Opens the database: with db_open() if `creates_missing` is true, else with
 * db_open_existing(). Then finds the schema of the control tables and checks
 * who owns them. */
int control_open(struct db **db, const char *url, const char *schema,
    bool creates_missing, struct err *e);
/* Like control_open(), but also calls control_ensure_tables(). */
int control_open_tables(struct db **db, const char *url, const char *schema,
    bool creates_missing, struct err *e);

/* Call this in a transaction before it locks rows of the control tables. If the
 * server then gets nothing from this client for 60 seconds, it ends the
 * transaction. So the locks of a host that has crashed do not stay. */
int control_limit_idle(struct db *db, struct err *e);

/* Finds the row that a user named: by its number, or by the start of its id if
 * no other id starts with it.
 * Borrows: the text until the call returns.
 * Fails: ERR_LIMIT if no row matches, ERR_USAGE if several do. */

struct id_kind {
	enum sql_id by_number, by_prefix;       /* return the row's number */
	const char *digits;             /* the characters that an id can have */
	const char *one, *many;         /* for messages: "run", "runs" */
};

int64_t parse_row_number(const char *text);     /* 0: not a number */
int find_row_by_id(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e);

#endif
