#include "table/referring.h"

/* The first column is the table that refers to the target, the second one what
 * it is declared with. If $2 is not 0, the load deletes all rows of the target,
 * so a foreign key of the target to itself does no harm. SQLite does not tell
 * whether a foreign key is deferred; sqlite_scopes.c finds rows that such a key
 * misses. */
static const char sqlite_sql[] =
    "SELECT m.name, 'ON DELETE ' || f.on_delete FROM sqlite_schema AS m, "
    "pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' "
    "AND f.\"table\" = $1 COLLATE NOCASE "
    "AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') "
    "AND ($2 = 0 OR m.name <> $1 COLLATE NOCASE) LIMIT 1";

static const char pg_sql[] =
    "WITH r AS (SELECT $1::text::regclass::oid AS id UNION "
    "SELECT relid::oid FROM pg_catalog.pg_partition_tree($1::text::regclass)) "
    "SELECT c.conrelid::regclass::text, CASE c.confdeltype "
    "WHEN 'c' THEN 'ON DELETE CASCADE' WHEN 'n' THEN 'ON DELETE SET NULL' "
    "WHEN 'd' THEN 'ON DELETE SET DEFAULT' ELSE 'INITIALLY DEFERRED' END "
    "FROM pg_catalog.pg_constraint AS c JOIN r ON r.id = c.confrelid "
    "WHERE c.contype = 'f' AND (c.confdeltype IN ('c', 'n', 'd') "
    "OR c.condeferred) AND ($2::bigint = 0 "
    "OR c.conrelid NOT IN (SELECT id FROM r)) LIMIT 1";

/* TRUNCATE refuses a table to which another table refers. */
static const char truncate_sql[] =
    "WITH r AS (SELECT $1::text::regclass::oid AS id UNION "
    "SELECT relid::oid FROM pg_catalog.pg_partition_tree($1::text::regclass)) "
    "SELECT c.conrelid::regclass::text, 'any action, which TRUNCATE refuses' "
    "FROM pg_catalog.pg_constraint AS c JOIN r ON r.id = c.confrelid "
    "WHERE c.contype = 'f' AND ($2::bigint = 0 "
    "OR c.conrelid NOT IN (SELECT id FROM r)) LIMIT 1";

/* The words of a message: the option, before the name of the mode, and the way
 * out. */
static const char *
option_that_deletes(const struct target *t)
{
	return t->parent == NULL ? "--mode " : "--nested";
}

static const char *
other_mode(const struct target *t)
{
	return t->parent == NULL ? "load with --mode upsert, or " : "";
}

/* DELETE and TRUNCATE also delete the rows of the tables that inherit from the
 * target. Its partitions are no such tables: their rows are its own. */
static int
refuse_inheriting_tables(const struct target *t, struct db *db, struct err *e)
{
	static const char sql[] =
	    "SELECT i.inhrelid::regclass::text FROM pg_catalog.pg_inherits "
	    "AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhparent "
	    "WHERE c.oid = $1::text::regclass::oid AND c.relkind = 'r' LIMIT 1";
	struct db_value v = db_text(t->table->quoted);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, sql, &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		struct db_value name = db_column(r, 0);

		rc = err_set(e, ERR_CONFIG, false, "table %.*s inherits from "
		    "table %s: %s%s would delete rows of %.*s too; %sload a "
		    "table from which no other table inherits", (int)name.len,
		    name.p, t->table->name, option_that_deletes(t),
		    t->parent == NULL ? t->mode->name : "", (int)name.len,
		    name.p, other_mode(t));
	}
	db_end(r);
	return rc;
}

int
refuse_referring_tables(const struct target *t, struct db *db, struct err *e)
{
	bool pg = db_kind(db) == DB_POSTGRESQL;
	struct db_value v[] = { db_text(pg ? t->table->quoted :
	    t->table->base), DB_I(t->mode->replaces) };
	struct db_rows *r;
	int rc;

	if (pg && refuse_inheriting_tables(t, db, e) == -1)
		return -1;
	if (t->soft_delete != NO_COLUMN)        /* no row is deleted */
		return 0;
	if (db_query(db, &r, !pg ? sqlite_sql : t->truncates ? truncate_sql :
	    pg_sql, v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		struct db_value name = db_column(r, 0), how = db_column(r, 1);

		rc = err_set(e, ERR_CONFIG, false, "table %.*s refers to "
		    "table %s by a foreign key with %.*s: %s%s deletes "
		    "rows of %s, which would change or break rows of %.*s; "
		    "%schange the foreign key", (int)name.len, name.p,
		    t->table->name, (int)how.len, how.p,
		    option_that_deletes(t),
		    t->parent == NULL ? t->mode->name : "", t->table->name,
		    (int)name.len, name.p, other_mode(t));
	}
	db_end(r);
	return rc;
}
