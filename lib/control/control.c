#include "control/control.h"

#include "control/control_schema.h"
#include "control/old_tables.h"

#include <inttypes.h>
#include <string.h>

/* steps[n] is the SQL script that migrates the control tables (pipeline_runs,
 * dead_letters and others) from version n to n + 1. Version 0 means that no
 * tables exist. To add a control table, add a step: raise CONTROL_VERSION,
 * write a statement control_N in both sql/DB/control.sql, add it here, and
 * change the version in tests/etl-dlq/migrate.t and in man/etl.7. */
static const enum sql_id steps[CONTROL_VERSION] = { SQL_CONTROL_1,
    SQL_CONTROL_2, SQL_CONTROL_3, SQL_CONTROL_4, SQL_CONTROL_5,
    SQL_CONTROL_6, SQL_CONTROL_7 };

static int
read_version(struct db *db, int64_t *version, struct err *e)
{
	return db_query_int(db, db_sql(db, SQL_CONTROL_VERSION), NULL, 0, 0,
	    version, e);
}

/* Fails if a newer etl has created or changed the tables. */
static int
check_not_newer(struct db *db, int64_t version, struct err *e)
{
	if (version <= CONTROL_VERSION)
		return 0;
	return err_set(e, ERR_CONFIG, false, "%s: its control tables have "
	    "version %" PRId64 ", but this program knows only versions up to "
	    "%d: use a newer etl", db_name(db), version, CONTROL_VERSION);
}

static int
lock_tables(struct db *db, struct err *e)
{
	if (db_run(db, db_sql(db, SQL_CONTROL_LOCK), NULL, 0, NULL, e) == 0)
		return 0;
	if (strcmp(db_fault(db)->sqlstate, "55P03") == 0)
		err_prefix(e, "cannot create or migrate the control tables, "
		    "because another session keeps the advisory lock 6648940: "
		    "pg_locks shows this session");
	return -1;
}

/* Brings the control tables to the present version, or creates them. The caller
 * has begun a transaction. */
static int
migrate_tables(struct db *db, struct err *e)
{
	struct old_tables old = { false, false };
	struct db_value schema = db_text(db_schema(db));
	int64_t present, version = 0;

	if (lock_tables(db, e) == -1 ||
	    db_query_int(db, db_sql(db, SQL_CONTROL_PRESENT), &schema,
	    db_schema(db) != NULL ? 1 : 0, 0, &present, e) == -1)
		return -1;
	if (present == 0 && old_tables_rename(&old, db, e) == -1)
		return -1;
	/* Another role may have created tables since the last check. No command
	 * of this transaction may read a table before it is checked. */
	if (control_check_owners(db, present == 0, e) == -1 ||
	    (present > 0 && read_version(db, &version, e) == -1) ||
	    check_not_newer(db, version, e) == -1)
		return -1;
	for (; version < CONTROL_VERSION; version++)
		if (db_script(db, db_sql(db, steps[version]), e) == -1)
			return -1;
	return old_tables_copy(&old, db, e);
}

/* Sets *version to 0 if there are no tables. On SQLite `present` is always
 * true; if the tables are missing there, the query fails with ERR_CONFIG. */
static int
find_version(struct db *db, bool present, int64_t *version, struct err *e)
{
	struct err first;

	*version = 0;
	if (!present || read_version(db, version, &first) == 0 ||
	    first.code == ERR_CONFIG)
		return 0;
	*e = first;
	return -1;
}

int
control_ensure_tables(struct db *db, const char *schema,
    bool creates_missing_schema, struct err *e)
{
	int64_t version;
	bool present;

	if (control_use_schema(db, schema, creates_missing_schema, &present,
	    e) == -1 ||
	    find_version(db, present, &version, e) == -1)
		return -1;
	/* The usual case: the tables exist and need no migration. */
	if (version >= CONTROL_VERSION)
		return check_not_newer(db, version, e);
	if (db_begin(db, e) == -1)
		return -1;
	if (migrate_tables(db, e) == 0 && db_commit(db, e) == 0)
		return 0;
	err_prefix(e, "control tables");
	db_rollback(db);
	return -1;
}

/* If rc is not 0, closes the database and sets *db to NULL. */
static int
close_failed(int rc, struct db **db)
{
	if (rc == 0)
		return 0;
	db_close(*db);
	*db = NULL;
	return -1;
}

int
control_open(struct db **db, const char *url, const char *schema,
    bool creates_missing, struct err *e)
{
	bool present;
	int rc;

	*db = NULL;
	rc = (creates_missing ? db_open : db_open_existing)(db, url, e);
	if (rc == 0)
		rc = control_use_schema(*db, schema, creates_missing, &present,
		    e);
	return close_failed(rc, db);
}

int
control_open_tables(struct db **db, const char *url, const char *schema,
    bool creates_missing, struct err *e)
{
	int rc;

	*db = NULL;
	rc = (creates_missing ? db_open : db_open_existing)(db, url, e);
	if (rc == 0)
		rc = control_ensure_tables(*db, schema, creates_missing,
		    e);
	return close_failed(rc, db);
}

int
control_limit_idle(struct db *db, struct err *e)
{
	return db_run(db, db_sql(db, SQL_CONTROL_LIMIT_IDLE), NULL, 0, NULL, e);
}
