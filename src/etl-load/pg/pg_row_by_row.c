#include "pg/pg_sql.h"

#include "table/columns_sql.h"

/* No column has a name that begins with "etl.": see sink_pg.c.  A block is a
 * few keys with all their rows: it is merged as a whole, and if that fails, row
 * by row. */
static const char head[] =
    "DO $etl$\n"
    "#variable_conflict use_column\n"
    "DECLARE \"etl.g\" record; \"etl.r\" record; \"etl.p\" record;\n"
    "\"etl.new\" boolean; \"etl.done\" boolean; \"etl.more\" boolean;\n"
    "\"etl.first\" boolean := true; \"etl.all\" int; \"etl.fresh\" int;\n"
    "\"etl.a\" int; \"etl.f\" int; \"etl.keys\" int;\n"
    "\"etl.ins\" int := 0; \"etl.upd\" int := 0; \"etl.same\" int := 0;\n"
    "\"etl.sup\" int := 0; \"etl.state\" text; \"etl.message\" text;\n"
    "\"etl.col\" text; \"etl.con\" text;\n"
    "BEGIN\n"
    "SET CONSTRAINTS ALL IMMEDIATE;\n"
    "LOOP\n"
    "\"etl.more\" := false;\n";

/* A foreign key may be satisfied by a later row: such are tried again. */
static const char staged[] =
    " AS block FROM " PG_STAGE " AS \"etl.x\" WHERE \"etl.first\" OR EXISTS "
    "(SELECT FROM " PG_FOUND " AS f WHERE f.n = \"etl.n\" AND "
    "f.state = '23503')"
    ") AS x GROUP BY block ORDER BY block LOOP\n"
    "BEGIN\n"
    "\"etl.all\" := 0;\n"
    "\"etl.fresh\" := 0;\n";

static const char merged[] =
    "\"etl.ins\" := \"etl.ins\" + \"etl.fresh\";\n"
    "\"etl.upd\" := \"etl.upd\" + \"etl.all\" - \"etl.fresh\";\n"
    "\"etl.same\" := \"etl.same\" + \"etl.keys\" - \"etl.all\";\n"
    "\"etl.sup\" := \"etl.sup\" + cardinality(\"etl.g\".rows) - "
    "\"etl.keys\";\n"
    "\"etl.more\" := true;\n"
    "DELETE FROM " PG_FOUND " AS f USING unnest(\"etl.g\".rows) AS w WHERE "
    "NOT \"etl.first\" AND f.n = w.\"etl.n\";\n";

#define BAD "data_exception OR integrity_constraint_violation OR " \
    "with_check_option_violation OR plpgsql_error OR program_limit_exceeded"

static const char singly[] =
    "EXCEPTION WHEN " BAD " THEN\n"
    "\"etl.done\" := false;\n"
    "FOR \"etl.r\" IN SELECT * FROM unnest(\"etl.g\".rows) ";

static const char one[] =
    "BEGIN\n"
    "\"etl.new\" := NULL;\n"
    "CASE \"etl.r\".\"etl.s\"\n";

/* It is a reject no more. */
#define FOUND_AWAY "DELETE FROM " PG_FOUND " AS f " \
    "WHERE NOT \"etl.first\" AND f.n = \"etl.r\".\"etl.n\";\n"

static const char tail[] =
    "END CASE;\n"
    "\"etl.done\" := true;\n"
    "\"etl.p\" := \"etl.r\";\n"
    "\"etl.more\" := true;\n"
    FOUND_AWAY
    "IF \"etl.new\" THEN \"etl.ins\" := \"etl.ins\" + 1;\n"
    "ELSIF \"etl.new\" IS NULL THEN \"etl.same\" := \"etl.same\" + 1;\n"
    "ELSE \"etl.upd\" := \"etl.upd\" + 1; END IF;\n"
    "EXCEPTION WHEN " BAD " THEN\n"
    "GET STACKED DIAGNOSTICS \"etl.state\" = RETURNED_SQLSTATE, "
    "\"etl.message\" = MESSAGE_TEXT, \"etl.col\" = COLUMN_NAME, "
    "\"etl.con\" = CONSTRAINT_NAME;\n"
    "IF \"etl.first\" THEN\n"
    "INSERT INTO " PG_FOUND " VALUES (\"etl.r\".\"etl.n\", \"etl.state\", "
    "\"etl.message\", \"etl.col\", \"etl.con\");\n"
    "END IF;\n"
    "END;\n"
    "END LOOP;\n"
    "END;\n"
    "END LOOP;\n"
    "\"etl.first\" := false;\n"
    "EXIT WHEN NOT \"etl.more\" OR NOT EXISTS (SELECT FROM " PG_FOUND
    " WHERE state = '23503');\n"
    "END LOOP;\n"
    "INSERT INTO " PG_FOUND " VALUES (-1, NULL, NULL, NULL, NULL, "
    "\"etl.ins\", \"etl.upd\", \"etl.same\", \"etl.sup\");\n"
    "END $etl$";

static void
order(struct buf *b, const struct target *t)
{
	buf_str(b, " ORDER BY ");
	if (t->keyed) {
		sql_key(b, t);
		buf_printf(b, ", \"etl.n\"%s", pg_first(t));
	} else {
		buf_str(b, "\"etl.n\"");
	}
}

static void
blocks(struct buf *b, const struct target *t)
{
	buf_str(b, "FOR \"etl.g\" IN SELECT array_agg(x.\"etl.x\") AS rows "
	    "FROM (SELECT \"etl.x\", dense_rank() OVER (ORDER BY ");
	if (t->keyed)
		sql_key(b, t);
	else
		buf_str(b, "\"etl.n\"");
	buf_str(b, ") / 16");
	buf_str(b, staged);
}

static void
count_keys(struct buf *b, const struct target *t)
{
	if (!t->keyed) {
		buf_str(b, "\"etl.keys\" := cardinality(\"etl.g\".rows);\n");
		return;
	}
	buf_str(b, "SELECT count(*) INTO \"etl.keys\" FROM (SELECT DISTINCT ");
	sql_key(b, t);
	buf_str(b, " FROM unnest(\"etl.g\".rows)) AS d;\n");
}

static void
merge(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_str(b, "WITH m(new) AS (");
	pg_insert_into(b, t, s);
	buf_str(b, " SELECT ");
	pg_source(b, t, s, "w");
	buf_str(b, " FROM (SELECT ");
	if (t->keyed) {
		buf_str(b, "DISTINCT ON (");
		sql_key(b, t);
		buf_str(b, ") ");
	}
	buf_str(b, "* FROM unnest(\"etl.g\".rows)");
	order(b, t);
	buf_printf(b, ") AS w WHERE w.\"etl.s\" = %zu", s->id);
	pg_on_conflict(b, t, s);
	buf_str(b, ") SELECT count(*), count(*) FILTER (WHERE new) INTO "
	    "\"etl.a\", \"etl.f\" FROM m;\n"
	    "\"etl.all\" := \"etl.all\" + \"etl.a\";\n"
	    "\"etl.fresh\" := \"etl.fresh\" + \"etl.f\";\n");
}

static void
insert(struct buf *b, const struct target *t, const struct shape *s)
{
	bool any = s->n > 0 || t->touch != NO_COLUMN || t->seen != NO_COLUMN;

	buf_printf(b, "WHEN %zu THEN\n", s->id);
	pg_insert_into(b, t, s);
	buf_str(b, any ? " VALUES (" : " DEFAULT VALUES");
	pg_source(b, t, s, "\"etl.r\"");
	if (any)
		buf_str(b, ")");
	pg_on_conflict(b, t, s);
	buf_str(b, " INTO \"etl.new\";\n");
}

/* The last of each key that the table takes; those before it lose. */
static void
skip(struct buf *b, const struct target *t)
{
	buf_str(b, "IF \"etl.done\" THEN\nIF ");
	pg_same_key(b, t, "\"etl.p\"", "\"etl.r\"");
	buf_str(b, " THEN\n\"etl.sup\" := \"etl.sup\" + 1;\n" FOUND_AWAY
	    "CONTINUE;\nEND IF;\nEND IF;\n\"etl.done\" := false;\n");
}

void
pg_slow(struct buf *b, const struct target *t, struct shape *const *shapes,
    size_t n)
{
	buf_str(b, head);
	blocks(b, t);
	for (size_t i = 0; i < n; i++)
		merge(b, t, shapes[i]);
	count_keys(b, t);
	buf_str(b, merged);
	buf_str(b, singly);
	order(b, t);
	buf_str(b, " LOOP\n");
	if (t->upsert)
		skip(b, t);
	buf_str(b, one);
	for (size_t i = 0; i < n; i++)
		insert(b, t, shapes[i]);
	buf_str(b, tail);
}
