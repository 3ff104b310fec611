#include "control/control.h"

#include "base/buf.h"
#include "db/db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Two programs may try to create the schema at the same time. So each first
 * takes the lock of the control tables, and then creates the schema only if it
 * still does not exist. */
static int
create_schema(struct db *db, const char *name, struct err *e)
{
	struct db_value v = db_text(name);
	int64_t present = 0;
	struct buf sql;
	int rc = -1;

	buf_init(&sql, SIZE_MAX / 4);
	buf_str(&sql, "CREATE SCHEMA ");
	if (db_quote_name(db, &sql, name, strlen(name), e) == -1)
		goto out;
	(void)buf_text(&sql);
	if (buf_check(&sql, e) == -1 || db_begin(db, e) == -1)
		goto out;
	if (db_run(db, db_sql(db, SQL_CONTROL_LOCK), NULL, 0, NULL,
	    e) == 0 &&
	    db_query_int(db, db_sql(db, SQL_CONTROL_SCHEMA_PRESENT), &v, 1, 0,
	    &present, e) == 0 &&
	    (present > 0 || db_script(db, sql.data, e) == 0) &&
	    db_commit(db, e) == 0)
		rc = 0;
	else {
		err_prefix(e, "%s", name);
		db_rollback(db);
	}
out:
	buf_release(&sql);
	return rc;
}

static int
refuse_table(struct db *db, const struct db_rows *r, struct err *e)
{
	const char *table = db_column(r, 2).p, *owner = db_column(r, 4).p;

	if (db_column(r, 3).i == 1)
		return err_set(e, ERR_DENIED, false, "the control table %s.%s "
		    "has a trigger whose function belongs to the role %s, "
		    "which could run its own commands as your role: drop the "
		    "trigger, or name another schema with --control-schema",
		    db_schema(db), table, owner);
	return err_set(e, ERR_DENIED, false, "the control table %s.%s belongs "
	    "to the role %s, which could run its own commands as your role: "
	    "drop the table, or change its owner to your role, or name another "
	    "schema with --control-schema", db_schema(db), table, owner);
}

/* Calls db_set_schema() if the schema exists and no earlier call has set it.
 * Fails if a control table belongs to another role. `name` may be NULL. A
 * single statement finds the schema and reads the owners of its tables: this
 * saves a round trip to the server at each start of a program. */
static int
check_owners(struct db *db, const char *name, bool *present, struct err *e)
{
	struct db_value v = db_text(name);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_CONTROL_OWNERS), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		*present = db_column(r, 1).i != 0;
		rc = 0;
		if (db_column(r, 0).type != DB_NULL && db_schema(db) == NULL)
			rc = db_set_schema(db, db_column(r, 0).p, e);
		if (rc == 0 && db_column(r, 2).type != DB_NULL)
			rc = refuse_table(db, r, e);
	}
	db_end(r);
	return rc;
}

static int
create_missing_schema(
    struct db *db, const char *name, bool creates_missing_schema, struct err *e)
{
	if (name == NULL)
		return err_set(e, ERR_CONFIG, false, "%s: no schema of the "
		    "search_path exists, so there is no place for the control "
		    "tables: name a schema with --control-schema", db_name(db));
	if (!creates_missing_schema)
		return err_set(e, ERR_CONFIG, false, "%s has no schema %s, "
		    "which --control-schema or ETL_CONTROL_SCHEMA names",
		    db_name(db), name);
	return create_schema(db, name, e) == -1 ? -1 :
	    db_set_schema(db, name, e);
}

/* Finds the schema and calls db_set_schema(), unless an earlier call has done
 * so. Then checks the owner of each control table and of the functions of its
 * triggers. Allowed owners are the current role, a role of which it is a
 * member, and the owner of the database. Any other owner could have its own
 * commands executed as the current role, so the call fails with ERR_DENIED.
 * *present is false if there is no table etl_control. With SQLite, which has no
 * schemas and no roles, *present is always true. */
static int
control_use_schema(struct db *db, const char *name, bool creates_missing_schema,
    bool *present, struct err *e)
{
	*present = true;
	if (db_kind(db) == DB_SQLITE)
		return name == NULL ? 0 : err_set(e, ERR_USAGE, false,
		    "--control-schema: %s is an SQLite file, which has no "
		    "schemas: leave the option out", db_name(db));
	if (db_schema(db) != NULL)
		name = db_schema(db);
	else if (name == NULL)
		name = getenv("ETL_CONTROL_SCHEMA");
	if (name != NULL && *name == '\0')
		name = NULL;
	if (check_owners(db, name, present, e) == -1)
		return -1;
	return db_schema(db) != NULL ? 0 :
	    create_missing_schema(db, name, creates_missing_schema, e);
}

/* Called if there is no table etl_control. Fails if another of the control
 * tables exists: another program has created it, or etl_control is lost. */
static int
check_not_taken(struct db *db, struct err *e)
{
	struct db_value schema = db_text(db_schema(db));
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_CONTROL_TAKEN), &schema,
	    db_schema(db) != NULL ? 1 : 0, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		rc = err_set(e, ERR_CONFIG, false, "%s: the table exists, but "
		    "etl_control, which holds its version, does not: restore "
		    "etl_control, or rename the table", db_column(r, 0).p);
	db_end(r);
	return rc;
}

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
	struct db_value schema = db_text(db_schema(db));
	int64_t present, version = 0;
	bool ignored;

	if (lock_tables(db, e) == -1 ||
	    db_query_int(db, db_sql(db, SQL_CONTROL_PRESENT), &schema,
	    db_schema(db) != NULL ? 1 : 0, 0, &present, e) == -1)
		return -1;
	/* Another role may have created tables since the last check. No command
	 * of this transaction may read a table before it is checked. */
	if ((db_kind(db) != DB_SQLITE &&
		check_owners(db, db_schema(db), &ignored, e) == -1) ||
	    (present == 0 && check_not_taken(db, e) == -1) ||
	    (present > 0 && read_version(db, &version, e) == -1) ||
	    check_not_newer(db, version, e) == -1)
		return -1;
	for (; version < CONTROL_VERSION; version++)
		if (db_script(db, db_sql(db, steps[version]), e) == -1)
			return -1;
	return 0;
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

enum { NUMBER_DIGITS = 18 };

int64_t
parse_row_number(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > NUMBER_DIGITS || strspn(text, "0123456789") != n)
		return 0;
	return strtoll(text, NULL, 10);
}

/* Sets *out to the row whose id starts with this text. Leaves *out as it is if
 * there is none. Fails if there are several. */
static int
find_by_prefix(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e)
{
	struct db_value v = db_text(id);
	struct db_rows *r;
	int n = 0, rc;

	if (db_query(db, &r, db_sql(db, k->by_prefix), &v, 1, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		*out = db_column(r, 0).i;
		n++;
	}
	db_end(r);
	if (rc == 0 && n > 1)
		return err_set(e, ERR_USAGE, false, "%s: the ids of several "
		    "%s start with this: give more of the id", id, k->many);
	return rc;
}

int
find_row_by_id(struct db *db, const struct id_kind *k, const char *id,
    int64_t *out, struct err *e)
{
	struct db_value v = DB_I(parse_row_number(id));

	*out = 0;
	if (v.i > 0 && db_query_int(db, db_sql(db, k->by_number), &v, 1, 0, out,
	    e) == -1)
		return -1;
	if (*out == 0 && *id != '\0' && strspn(id, k->digits) == strlen(id) &&
	    find_by_prefix(db, k, id, out, e) == -1)
		return -1;
	if (*out != 0)
		return 0;
	return err_set(e, ERR_LIMIT, false, "%s: no such %s in %s", id,
	    k->one, db_name(db));
}
