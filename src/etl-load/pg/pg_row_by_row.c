#include "pg/pg_sql.h"

#include "table/columns_sql.h"

/* The constant texts from `head` to `row_end`, with SQL for the columns between
 * them, make one PL/pgSQL block (DO). The block merges the staging table in
 * groups of 16 keys with all their rows (in append mode: groups of 16 rows). If
 * a group fails, the block merges the rows of this group one by one. Names that
 * begin with "etl." cannot collide with columns, because sink_pg.c refuses
 * tables with such columns. */
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

/* The PL/pgSQL block goes through the staging table several times. The first
 * time it merges all rows. Each further time it tries only the rows that a
 * foreign key refused before (SQLSTATE 23503): the row that such a row refers
 * to may have been merged after it. */
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
    "\"etl.sup\" := \"etl.sup\" + "
    "pg_catalog.cardinality(\"etl.g\".rows) - \"etl.keys\";\n"
    "\"etl.more\" := true;\n"
    "DELETE FROM " PG_FOUND " AS f "
    "USING pg_catalog.unnest(\"etl.g\".rows) AS w WHERE "
    "NOT \"etl.first\" AND f.n = w.\"etl.n\";\n";

#define BAD "data_exception OR integrity_constraint_violation OR " \
    "with_check_option_violation OR plpgsql_error OR program_limit_exceeded"

static const char singly[] =
    "EXCEPTION WHEN " BAD " THEN\n"
    "\"etl.done\" := false;\n"
    "FOR \"etl.r\" IN SELECT * FROM pg_catalog.unnest(\"etl.g\".rows) ";

static const char row_begin[] =
    "BEGIN\n"
    "\"etl.new\" := NULL;\n"
    "CASE \"etl.r\".\"etl.s\"\n";

/* PG_FOUND is the temporary table of the rows that the first pass over the
 * staging table could not merge. A later pass deletes a row from PG_FOUND when
 * it has merged or superseded this row. */
#define FOUND_AWAY "DELETE FROM " PG_FOUND " AS f " \
    "WHERE NOT \"etl.first\" AND f.n = \"etl.r\".\"etl.n\";\n"

static const char row_end[] =
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
put_order_by_key_and_item(struct buf *b, const struct target *t)
{
	buf_str(b, " ORDER BY ");
	if (t->keyed) {
		sql_put_key_columns(b, t);
		buf_printf(b, ", \"etl.n\"%s", pg_order_of_equal_keys(t));
	} else {
		buf_str(b, "\"etl.n\"");
	}
}

static void
put_loop_over_key_groups(struct buf *b, const struct target *t)
{
	buf_str(b, "FOR \"etl.g\" IN "
	    "SELECT pg_catalog.array_agg(x.\"etl.x\") AS rows "
	    "FROM (SELECT \"etl.x\", pg_catalog.dense_rank() "
	    "OVER (ORDER BY ");
	if (t->keyed)
		sql_put_key_columns(b, t);
	else
		buf_str(b, "\"etl.n\"");
	buf_str(b, ") / 16");
	buf_str(b, staged);
}

static void
put_count_keys_of_group(struct buf *b, const struct target *t)
{
	if (!t->keyed) {
		buf_str(b, "\"etl.keys\" := "
		    "pg_catalog.cardinality(\"etl.g\".rows);\n");
		return;
	}
	buf_str(b, "SELECT pg_catalog.count(*) INTO \"etl.keys\" "
	    "FROM (SELECT DISTINCT ");
	sql_put_key_columns(b, t);
	buf_str(b, " FROM pg_catalog.unnest(\"etl.g\".rows)) AS d;\n");
}

static void
put_merge_of_key_group(
    struct buf *b, const struct target *t, const struct shape *s)
{
	buf_str(b, "WITH m(new) AS (");
	pg_put_insert_into(b, t, s);
	buf_str(b, " SELECT ");
	pg_put_source_columns(b, t, s, "w");
	buf_str(b, " FROM (SELECT ");
	if (t->keyed) {
		buf_str(b, "DISTINCT ON (");
		sql_put_key_columns(b, t);
		buf_str(b, ") ");
	}
	buf_str(b, "* FROM pg_catalog.unnest(\"etl.g\".rows)");
	put_order_by_key_and_item(b, t);
	buf_printf(b, ") AS w WHERE w.\"etl.s\" = %zu", s->id);
	pg_put_on_conflict_returning(b, t, s);
	buf_str(b, ") SELECT pg_catalog.count(*), "
	    "pg_catalog.count(*) FILTER (WHERE new) INTO "
	    "\"etl.a\", \"etl.f\" FROM m;\n"
	    "\"etl.all\" := \"etl.all\" + \"etl.a\";\n"
	    "\"etl.fresh\" := \"etl.fresh\" + \"etl.f\";\n");
}

static void
put_row_insert(struct buf *b, const struct target *t, const struct shape *s)
{
	bool any = s->n > 0 || t->touch != NO_COLUMN || t->seen != NO_COLUMN;

	buf_printf(b, "WHEN %zu THEN\n", s->id);
	pg_put_insert_into(b, t, s);
	buf_str(b, any ? " VALUES (" : " DEFAULT VALUES");
	pg_put_source_columns(b, t, s, "\"etl.r\"");
	if (any)
		buf_str(b, ")");
	pg_put_on_conflict_returning(b, t, s);
	buf_str(b, " INTO \"etl.new\";\n");
}

/* Appends the part that skips superseded rows of an upsert. An upsert tries the
 * rows of one key from the last to the first. When the table has accepted one
 * of these rows, the rows before it are not tried, but counted as superseded.
 */
static void
put_skip_superseded(struct buf *b, const struct target *t)
{
	buf_str(b, "IF \"etl.done\" THEN\nIF ");
	pg_put_same_key_condition(b, t, "\"etl.p\"", "\"etl.r\"");
	buf_str(b, " THEN\n\"etl.sup\" := \"etl.sup\" + 1;\n" FOUND_AWAY
	    "CONTINUE;\nEND IF;\nEND IF;\n\"etl.done\" := false;\n");
}

void
pg_put_merge_row_by_row(struct buf *b, const struct target *t,
    struct shape *const *shapes, size_t n)
{
	buf_str(b, head);
	put_loop_over_key_groups(b, t);
	for (size_t i = 0; i < n; i++)
		put_merge_of_key_group(b, t, shapes[i]);
	put_count_keys_of_group(b, t);
	buf_str(b, merged);
	buf_str(b, singly);
	put_order_by_key_and_item(b, t);
	buf_str(b, " LOOP\n");
	if (t->upsert)
		put_skip_superseded(b, t);
	buf_str(b, row_begin);
	for (size_t i = 0; i < n; i++)
		put_row_insert(b, t, shapes[i]);
	buf_str(b, row_end);
}
