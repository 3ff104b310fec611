#include "table/referring.h"

/* For messages: the option that deletes rows. "--mode " is followed by the name
 * of the mode. */
static const char *
deleting_option(const struct target *t)
{
	return t->parent == NULL ? "--mode " : "--nested";
}

static const char *
other_mode(const struct target *t)
{
	return t->parent == NULL ? "load with --mode upsert, or " : "";
}

/* DELETE and TRUNCATE also delete the rows of the tables that inherit from the
 * target. Fails if another table inherits from the target. */
static int
check_inheriting(const struct target *t, struct db *db, struct err *e)
{
	struct db_value v = db_text(t->table->quoted);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_TABLE_INHERITING), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		struct db_value name = db_column(r, 0);

		rc = err_set(e, ERR_CONFIG, false, "table %.*s inherits from "
		    "table %s: %s%s would delete rows of %.*s too; %sload a "
		    "table from which no other table inherits", (int)name.len,
		    name.p, t->table->name, deleting_option(t),
		    t->parent == NULL ? t->mode->name : "", (int)name.len,
		    name.p, other_mode(t));
	}
	db_end(r);
	return rc;
}

int
check_referring(const struct target *t, struct db *db, struct err *e)
{
	bool pg = db_kind(db) == DB_POSTGRESQL;
	/* The queries need these facts. If the load deletes all rows, a foreign
	 * key of the table to itself does no harm. With a TRUNCATE, any other
	 * foreign key makes it fail. (SQLite: sqlite_scopes.c looks for rows
	 * whose deferred foreign key would refer to a deleted row.) */
	struct db_value v[] = { db_text(pg ? t->table->quoted :
	    t->table->base), DB_I(t->mode->replaces), DB_I(t->truncates) };
	struct db_rows *r;
	int rc;

	if (pg && check_inheriting(t, db, e) == -1)
		return -1;
	if (t->soft_delete != NO_COLUMN)        /* no row is deleted */
		return 0;
	if (db_query(db, &r, db_sql(db, SQL_TABLE_REFERRING), v, pg ? 3 : 2,
	    e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		struct db_value name = db_column(r, 0), how = db_column(r, 1);

		rc = err_set(e, ERR_CONFIG, false, "table %.*s refers to "
		    "table %s by a foreign key with %.*s: %s%s deletes "
		    "rows of %s, which would change or break rows of %.*s; "
		    "%schange the foreign key", (int)name.len, name.p,
		    t->table->name, (int)how.len, how.p, deleting_option(t),
		    t->parent == NULL ? t->mode->name : "", t->table->name,
		    (int)name.len, name.p, other_mode(t));
	}
	db_end(r);
	return rc;
}
