#include "control/control_schema.h"

#include "base/buf.h"

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

/* Uses the row that the statement control_owners has returned. Calls
 * db_set_schema() if the schema exists and no earlier call has set it. Fails if
 * the row names a table that belongs to another role. */
static int
set_schema(struct db *db, const struct db_rows *r, bool *present, struct err *e)
{
	*present = db_column(r, 1).i != 0;
	if (db_column(r, 0).type != DB_NULL && db_schema(db) == NULL &&
	    db_set_schema(db, db_column(r, 0).p, e) == -1)
		return -1;
	return db_column(r, 2).type == DB_NULL ? 0 : refuse_table(db, r, e);
}

/* Sets the schema if it exists, and fails if a control table belongs to another
 * role. `name` may be NULL. A single statement finds the schema and reads the
 * owners of its tables: this saves a round trip to the server at each start of
 * a program. */
static int
check_owners(struct db *db, const char *name, bool renamed_too, bool *present,
    struct err *e)
{
	struct db_value v[] = { db_text(name), DB_I(renamed_too) };
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_CONTROL_OWNERS), v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		rc = set_schema(db, r, present, e);
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

/* Returns the value of ETL_CONTROL_SCHEMA, or NULL if it is not set or
 * empty. */
static const char *
schema_from_env(void)
{
	const char *name = getenv("ETL_CONTROL_SCHEMA");

	return name != NULL && *name != '\0' ? name : NULL;
}

int
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
		name = schema_from_env();
	else if (*name == '\0')
		name = NULL;
	if (check_owners(db, name, false, present, e) == -1)
		return -1;
	return db_schema(db) != NULL ? 0 :
	    create_missing_schema(db, name, creates_missing_schema, e);
}

int
control_check_owners(struct db *db, bool renamed_too, struct err *e)
{
	bool ignored;

	return db_kind(db) == DB_SQLITE ? 0 :
	    check_owners(
	    db, db_schema(db), renamed_too, &ignored, e);
}
