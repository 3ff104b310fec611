#include "pg/pg_history_sql.h"

#include "table/columns_sql.h"

static const char *
quoted(const struct target *t, int column)
{
	return t->table->columns[column].quoted;
}

/* Appends FROM and a condition: the row "etl.t" of the table has the key of
 * "etl.r". */
static void
put_from_same_key(struct buf *b, const struct target *t)
{
	buf_printf(b, " FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
}

/* Appends statements that set "etl.at" to the time of change and "etl.p" to the
 * row that is valid at this time. They look at the current row first, because
 * the index of the current rows finds it. Often no other row must be read. */
static void
put_find_valid(struct buf *b, const struct target *t)
{
	const char *from = quoted(t, t->history.from);
	const char *to = quoted(t, t->history.to);

	buf_str(b, "SELECT \"etl.t\".* INTO \"etl.p\"");
	put_from_same_key(b, t);
	buf_printf(b, " AND \"etl.t\".%s;\n\"etl.at\" := ",
	    quoted(t, t->history.current));
	pg_put_change_time(b, t, "\"etl.r\"", "\"etl.p\"");
	buf_printf(b, ";\nIF \"etl.p\".%s IS NULL OR \"etl.p\".%s "
	    "OPERATOR(pg_catalog.>) \"etl.at\" THEN\n"
	    "SELECT \"etl.t\".* INTO \"etl.p\"", from, from);
	put_from_same_key(b, t);
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.<=) \"etl.at\" "
	    "AND (\"etl.t\".%s IS NULL OR \"etl.t\".%s "
	    "OPERATOR(pg_catalog.>) \"etl.at\") ORDER BY \"etl.t\".%s DESC "
	    "LIMIT 1;\nEND IF;\n", from, to, to, from);
}

/* Appends an INSERT of a row that is valid from "etl.at" to the time `to`. */
static void
put_insert_to(struct buf *b, const struct target *t, const struct shape *s,
    const char *to, bool carries)
{
	pg_put_insert_history(b, t, s, carries);
	buf_str(b, "VALUES (");
	pg_put_source(b, t, s, "\"etl.r\"");
	buf_printf(b, ", \"etl.at\", %s, %s IS NULL", to, to);
	if (carries)
		pg_put_carried(b, t, s, "\"etl.p\"");
	buf_str(b, ");\n");
}

/* Appends an INSERT of a row that ends where the next row of the key begins. */
static void
put_insert_between(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "SELECT pg_catalog.min(\"etl.t\".%s) INTO \"etl.to\"",
	    from);
	put_from_same_key(b, t);
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.>) \"etl.at\";\n",
	    from);
	put_insert_to(b, t, s, "\"etl.to\"", false);
	buf_str(b, "IF FOUND THEN\n\"etl.new\" := \"etl.to\" IS NULL;\n"
	    "END IF;\n");
}

/* Appends a condition that selects the row of the table that is in "etl.p". */
static void
put_where_found(struct buf *b, const struct target *t)
{
	buf_str(b, " WHERE ");
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.=) \"etl.p\".%s",
	    quoted(t, t->history.from), quoted(t, t->history.from));
}

/* Appends NULL, which does nothing, if there is no column of --seen. */
static void
put_set_seen(struct buf *b, const struct target *t)
{
	if (t->seen == NO_COLUMN) {
		buf_str(b, "NULL;\n");
		return;
	}
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = pg_catalog.now()",
	    t->table->quoted, quoted(t, t->seen));
	put_where_found(b, t);
	buf_str(b, ";\n");
}

/* Appends NULL, which does nothing, if no record of this shape can change a
 * row. */
static void
put_correct_found(struct buf *b, const struct target *t, const struct shape *s)
{
	if (!shape_can_change(t, s)) {
		buf_str(b, "NULL;\n");
		return;
	}
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET ", t->table->quoted);
	pg_put_assignments(b, t, s, "\"etl.r\"", false);
	put_where_found(b, t);
	buf_str(b, ";\nIF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n");
}

/* Appends the UPDATE that ends the found row, and the INSERT of the row that
 * begins then. */
static void
put_split_found(struct buf *b, const struct target *t, const struct shape *s)
{
	struct buf to;

	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = \"etl.at\", %s = false",
	    t->table->quoted, quoted(t, t->history.to),
	    quoted(t, t->history.current));
	if (t->touch != NO_COLUMN)
		buf_printf(b, ", %s = pg_catalog.now()", quoted(t, t->touch));
	put_where_found(b, t);
	buf_str(b, ";\n");
	buf_init(&to, SIZE_MAX / 4);
	buf_printf(&to, "\"etl.p\".%s", quoted(t, t->history.to));
	put_insert_to(b, t, s, buf_text(&to), true);
	b->failed |= to.failed;
	buf_release(&to);
	buf_str(b, "IF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n");
}

void
pg_put_history_row(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "DECLARE \"etl.p\" %s%%ROWTYPE; "
	    "\"etl.at\" %s.%s%%TYPE; \"etl.to\" %s.%s%%TYPE;\nBEGIN\n",
	    t->table->quoted, t->table->quoted, from, t->table->quoted, from);
	put_find_valid(b, t);
	buf_printf(b, "IF \"etl.p\".%s IS NULL THEN\n", from);
	put_insert_between(b, t, s);
	buf_str(b, "ELSIF NOT (");
	pg_put_differs(b, t, s, "\"etl.p\"", "\"etl.r\"");
	buf_str(b, ") THEN\n");
	put_set_seen(b, t);
	buf_printf(b, "ELSIF \"etl.p\".%s OPERATOR(pg_catalog.=) \"etl.at\" "
	    "THEN\n", from);
	put_correct_found(b, t, s);
	buf_str(b, "ELSE\n");
	put_split_found(b, t, s);
	buf_str(b, "END IF;\nEND;\n");
}
