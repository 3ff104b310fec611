#include "pg_sql.h"

#include "sql_text.h"

static const char *
quoted(const struct target *t, size_t column)
{
	return t->table->columns[column].quoted;
}

void
pg_make_stage(struct buf *b, const struct target *t)
{
	buf_str(b, "CREATE TEMP TABLE IF NOT EXISTS etl_load_stage "
	    "ON COMMIT DELETE ROWS AS SELECT 0 AS \"etl.n\", 0 AS \"etl.s\"");
	for (size_t i = 0; i < t->table->n; i++)
		buf_printf(b, ", %s", quoted(t, i));
	buf_printf(b, " FROM %s WITH NO DATA", t->table->quoted);
}

void
pg_make_found(struct buf *b)
{
	buf_str(b, "CREATE TEMP TABLE IF NOT EXISTS etl_load_found (n int, "
	    "state text, message text, col text, con text, inserted int, "
	    "updated int, unchanged int, superseded int) "
	    "ON COMMIT DELETE ROWS; DELETE FROM " PG_FOUND);
}

void
pg_copy(struct buf *b, const struct target *t, const struct shape *s,
    bool staged)
{
	buf_printf(b, "COPY %s (", staged ? PG_STAGE : t->table->quoted);
	if (staged)
		buf_str(b, s->n > 0 ? "\"etl.n\", \"etl.s\", " :
		    "\"etl.n\", \"etl.s\"");
	sql_columns(b, t, s, false);
	buf_str(b, ") FROM STDIN");
}

/* INSERT INTO t (columns) */
static void
insert_into(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "INSERT INTO %s AS \"etl.t\"", t->table->quoted);
	if (s->n == 0 && t->touch == NO_COLUMN && t->seen == NO_COLUMN)
		return;
	buf_str(b, " (");
	sql_columns(b, t, s, true);
	buf_str(b, ")");
}

/* from."a", from."b", now() */
static void
source(struct buf *b, const struct target *t, const struct shape *s,
    const char *from)
{
	const char *comma = "";

	for (size_t i = 0; i < s->n; i++, comma = ", ")
		buf_printf(b, "%s%s.%s", comma, from,
		    quoted(t, s->columns[i]));
	for (int i = (t->touch != NO_COLUMN) + (t->seen != NO_COLUMN); i > 0;
	    i--, comma = ", ")
		buf_printf(b, "%snow()", comma);
}

static void
row_of(struct buf *b, const struct target *t, const struct shape *s,
    const char *from)
{
	const char *comma = "";

	buf_str(b, "ROW(");
	for (size_t i = 0; i < s->n; i++)
		if (sql_compared(t, s, i)) {
			buf_printf(b, "%s%s.%s", comma, from,
			    quoted(t, s->columns[i]));
			comma = ", ";
		}
	buf_str(b, ")::record");
}

static void
set_all(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *comma = "";

	for (size_t i = 0; i < s->n; i++)
		if (!t->is_key[s->columns[i]]) {
			buf_printf(b, "%s%s = excluded.%s", comma,
			    quoted(t, s->columns[i]),
			    quoted(t, s->columns[i]));
			comma = ", ";
		}
	if (t->touch != NO_COLUMN)
		buf_printf(b, ", %s = now()", quoted(t, (size_t)t->touch));
	if (t->seen != NO_COLUMN)
		buf_printf(b, ", %s = now()", quoted(t, (size_t)t->seen));
}

/* The same to the last bit is the same: unlike =, *<> takes every type, and
 * tells 1.0 from 1.00, and Anna from anna in citext. */
static void
on_conflict(struct buf *b, const struct target *t, const struct shape *s)
{
	if (!t->upsert)
		return;
	buf_str(b, " ON CONFLICT (");
	sql_key(b, t);
	if (!sql_can_change(t, s)) {
		buf_str(b, ") DO NOTHING");
		return;
	}
	buf_str(b, ") DO UPDATE SET ");
	set_all(b, t, s);
	buf_str(b, " WHERE ");
	row_of(b, t, s, "\"etl.t\"");
	buf_str(b, " OPERATOR(pg_catalog.*<>) ");
	row_of(b, t, s, "excluded");
}

/* A row that was there has a xmax: the upsert's lock. */
static void
returning(struct buf *b)
{
	buf_str(b, " RETURNING \"etl.t\".xmax = 0");
}

void
pg_merge(struct buf *b, const struct target *t, const struct shape *s,
    bool alone)
{
	buf_str(b, "WITH m(new) AS (");
	insert_into(b, t, s);
	buf_str(b, " SELECT ");
	source(b, t, s, "w");
	buf_str(b, " FROM ");
	if (alone && t->upsert) {
		buf_str(b, "(SELECT DISTINCT ON (");
		sql_key(b, t);
		buf_str(b, ") * FROM " PG_STAGE " ORDER BY ");
		sql_key(b, t);
		buf_str(b, ", \"etl.n\" DESC) AS w");
	} else {
		buf_printf(b, PG_STAGE " AS w WHERE \"etl.s\" = %zu "
		    "ORDER BY \"etl.n\"", s->id);
	}
	on_conflict(b, t, s);
	returning(b);
	buf_str(b, ") SELECT count(*), count(*) FILTER (WHERE new) FROM m");
}

void
pg_dedupe(struct buf *b, const struct target *t)
{
	buf_str(b, "DELETE FROM " PG_STAGE " AS s USING (SELECT \"etl.n\", "
	    "row_number() OVER (PARTITION BY ");
	sql_key(b, t);
	buf_str(b, " ORDER BY \"etl.n\" DESC) AS \"etl.r\" FROM " PG_STAGE
	    ") AS w WHERE s.\"etl.n\" = w.\"etl.n\" AND w.\"etl.r\" > 1");
}

void
pg_distinct(struct buf *b, const struct target *t)
{
	buf_str(b, "SELECT count(*) FROM (SELECT DISTINCT ");
	sql_key(b, t);
	buf_str(b, " FROM " PG_STAGE ") AS d");
}

static void
same_key(struct buf *b, const struct target *t, const char *one,
    const char *other)
{
	for (size_t i = 0; i < t->nkey; i++)
		buf_printf(b, "%s%s.%s = %s.%s", i > 0 ? " AND " : "", one,
		    quoted(t, t->key[i]), other, quoted(t, t->key[i]));
}

void
pg_seen(struct buf *b, const struct target *t)
{
	const char *seen = quoted(t, (size_t)t->seen);

	buf_printf(b, "UPDATE %s AS t SET %s = now() FROM (SELECT DISTINCT ",
	    t->table->quoted, seen);
	sql_key(b, t);
	buf_str(b, " FROM " PG_STAGE ") AS w WHERE ");
	same_key(b, t, "t", "w");
	buf_printf(b, " AND t.%s IS DISTINCT FROM now()", seen);
}

static void
slow_insert(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "WHEN %zu THEN\n", s->id);
	insert_into(b, t, s);
	buf_str(b, s->n == 0 && t->touch == NO_COLUMN &&
	    t->seen == NO_COLUMN ? " DEFAULT VALUES" : " VALUES (");
	source(b, t, s, "\"etl.r\"");
	if (s->n > 0 || t->touch != NO_COLUMN || t->seen != NO_COLUMN)
		buf_str(b, ")");
	on_conflict(b, t, s);
	returning(b);
	buf_str(b, " INTO \"etl.new\";\n");
}

/* The last of each key that the table takes; those before it lose. */
static void
slow_skip(struct buf *b, const struct target *t)
{
	buf_str(b, "IF \"etl.done\" THEN\n\tIF ");
	same_key(b, t, "\"etl.p\"", "\"etl.r\"");
	buf_str(b, " THEN\n\t\t\"etl.sup\" := \"etl.sup\" + 1;\n"
	    "\t\tCONTINUE;\n\tEND IF;\nEND IF;\n"
	    "\"etl.done\" := false;\n");
}

static void
slow_order(struct buf *b, const struct target *t)
{
	buf_str(b, " ORDER BY ");
	if (t->upsert) {
		sql_key(b, t);
		buf_str(b, ", \"etl.n\" DESC");
	} else {
		buf_str(b, "\"etl.n\"");
	}
}

static const char slow_begin[] =
    "DO $etl$\n"
    "#variable_conflict use_column\n"
    "DECLARE \"etl.r\" record; \"etl.p\" record; \"etl.new\" boolean;\n"
    "\"etl.done\" boolean := false; \"etl.more\" boolean;\n"
    "\"etl.first\" boolean := true;\n"
    "\"etl.ins\" int := 0; \"etl.upd\" int := 0; \"etl.same\" int := 0;\n"
    "\"etl.sup\" int := 0; \"etl.state\" text; \"etl.message\" text;\n"
    "\"etl.col\" text; \"etl.con\" text;\n"
    "BEGIN\n"
    "SET CONSTRAINTS ALL IMMEDIATE;\n"
    "LOOP\n"
    "\"etl.more\" := false;\n"
    "\"etl.done\" := false;\n"
    "FOR \"etl.r\" IN SELECT * FROM " PG_STAGE " AS s WHERE \"etl.first\" OR "
    "EXISTS (SELECT FROM " PG_FOUND " AS f WHERE f.n = s.\"etl.n\" AND "
    "f.state = '23503')";

static const char slow_middle[] =
    " LOOP\n";

static const char slow_try[] =
    "BEGIN\n"
    "\"etl.new\" := NULL;\n"
    "CASE \"etl.r\".\"etl.s\"\n";

/* A foreign key may be satisfied by a later record: such are tried again. */
static const char slow_end[] =
    "END CASE;\n"
    "\"etl.done\" := true;\n"
    "\"etl.p\" := \"etl.r\";\n"
    "\"etl.more\" := true;\n"
    "DELETE FROM " PG_FOUND " AS f WHERE NOT \"etl.first\" AND "
    "f.n = \"etl.r\".\"etl.n\";\n"
    "IF \"etl.new\" THEN \"etl.ins\" := \"etl.ins\" + 1;\n"
    "ELSIF \"etl.new\" IS NULL THEN \"etl.same\" := \"etl.same\" + 1;\n"
    "ELSE \"etl.upd\" := \"etl.upd\" + 1; END IF;\n"
    "EXCEPTION WHEN data_exception OR integrity_constraint_violation OR "
    "with_check_option_violation OR plpgsql_error OR "
    "program_limit_exceeded THEN\n"
    "GET STACKED DIAGNOSTICS \"etl.state\" = RETURNED_SQLSTATE, "
    "\"etl.message\" = MESSAGE_TEXT, \"etl.col\" = COLUMN_NAME, "
    "\"etl.con\" = CONSTRAINT_NAME;\n"
    "IF \"etl.first\" THEN\n"
    "INSERT INTO " PG_FOUND " VALUES (\"etl.r\".\"etl.n\", \"etl.state\", "
    "\"etl.message\", \"etl.col\", \"etl.con\");\n"
    "END IF;\n"
    "END;\n"
    "END LOOP;\n"
    "\"etl.first\" := false;\n"
    "EXIT WHEN NOT \"etl.more\" OR NOT EXISTS (SELECT FROM " PG_FOUND
    " WHERE state = '23503');\n"
    "END LOOP;\n"
    "INSERT INTO " PG_FOUND " VALUES (-1, NULL, NULL, NULL, NULL, "
    "\"etl.ins\", \"etl.upd\", \"etl.same\", \"etl.sup\");\n"
    "END $etl$";

void
pg_slow(struct buf *b, const struct target *t, struct shape *const *shapes,
    size_t n)
{
	buf_str(b, slow_begin);
	slow_order(b, t);
	buf_str(b, slow_middle);
	if (t->upsert)
		slow_skip(b, t);
	buf_str(b, slow_try);
	for (size_t i = 0; i < n; i++)
		slow_insert(b, t, shapes[i]);
	buf_str(b, slow_end);
}
