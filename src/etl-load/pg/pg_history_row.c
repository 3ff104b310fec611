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
put_from_table_where_key_equal(struct buf *b, const struct target *t)
{
	buf_printf(b, " FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	pg_put_same_key_condition(b, t, "\"etl.t\"", "\"etl.r\"");
}

/* Appends statements that set "etl.at" to the time of change and "etl.p" to the
 * row that is valid at this time. They look at the current row first, because
 * the index of the current rows finds it. Often no other row must be read. */
static void
put_set_time_and_find_valid_row(struct buf *b, const struct target *t)
{
	const char *from = quoted(t, t->history.from);
	const char *to = quoted(t, t->history.to);

	buf_str(b, "SELECT \"etl.t\".* INTO \"etl.p\"");
	put_from_table_where_key_equal(b, t);
	buf_printf(b, " AND \"etl.t\".%s;\n\"etl.at\" := ",
	    quoted(t, t->history.current));
	pg_put_time_of_change(b, t, "\"etl.r\"", "\"etl.p\"");
	buf_printf(b, ";\nIF \"etl.p\".%s IS NULL OR \"etl.p\".%s "
	    "OPERATOR(pg_catalog.>) \"etl.at\" THEN\n"
	    "SELECT \"etl.t\".* INTO \"etl.p\"", from, from);
	put_from_table_where_key_equal(b, t);
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.<=) \"etl.at\" "
	    "AND (\"etl.t\".%s IS NULL OR \"etl.t\".%s "
	    "OPERATOR(pg_catalog.>) \"etl.at\") ORDER BY \"etl.t\".%s DESC "
	    "LIMIT 1;\nEND IF;\n", from, to, to, from);
}

static void
put_insert_valid_until(struct buf *b, const struct target *t,
    const struct shape *s, const char *to, bool carries)
{
	pg_put_insert_history(b, t, s, carries);
	buf_str(b, "VALUES (");
	pg_put_source_columns(b, t, s, "\"etl.r\"");
	buf_printf(b, ", \"etl.at\", %s, %s IS NULL", to, to);
	if (carries)
		pg_put_carried(b, t, s, "\"etl.p\"");
	buf_str(b, ");\n");
}

static void
put_insert_until_next_row(
    struct buf *b, const struct target *t, const struct shape *s)
{
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "SELECT pg_catalog.min(\"etl.t\".%s) INTO \"etl.to\"",
	    from);
	put_from_table_where_key_equal(b, t);
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.>) \"etl.at\";\n",
	    from);
	put_insert_valid_until(b, t, s, "\"etl.to\"", false);
	buf_str(b, "IF FOUND THEN\n\"etl.new\" := \"etl.to\" IS NULL;\n"
	    "END IF;\n");
}

/* Appends a condition that selects the row of the table that is in "etl.p". */
static void
put_where_found_row(struct buf *b, const struct target *t)
{
	buf_str(b, " WHERE ");
	pg_put_same_key_condition(b, t, "\"etl.t\"", "\"etl.r\"");
	buf_printf(b, " AND \"etl.t\".%s OPERATOR(pg_catalog.=) \"etl.p\".%s",
	    quoted(t, t->history.from), quoted(t, t->history.from));
}

static void
put_update_seen_or_null(struct buf *b, const struct target *t)
{
	if (t->seen == NO_COLUMN) {
		buf_str(b, "NULL;\n");
		return;
	}
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = pg_catalog.now()",
	    t->table->quoted, quoted(t, t->seen));
	put_where_found_row(b, t);
	buf_str(b, ";\n");
}

static void
put_update_found_row_or_null(struct buf *b, const struct target *t,
    const struct shape *s)
{
	if (!shape_can_change_row(t, s)) {
		buf_str(b, "NULL;\n");
		return;
	}
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET ", t->table->quoted);
	pg_put_assignments(b, t, s, "\"etl.r\"", false);
	put_where_found_row(b, t);
	buf_str(b, ";\nIF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n");
}

static void
put_end_found_row_and_insert(
    struct buf *b, const struct target *t, const struct shape *s)
{
	struct buf to;

	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = \"etl.at\", %s = false",
	    t->table->quoted, quoted(t, t->history.to),
	    quoted(t, t->history.current));
	if (t->touch != NO_COLUMN)
		buf_printf(b, ", %s = pg_catalog.now()", quoted(t, t->touch));
	put_where_found_row(b, t);
	buf_str(b, ";\n");
	buf_init(&to, SIZE_MAX / 4);
	buf_printf(&to, "\"etl.p\".%s", quoted(t, t->history.to));
	put_insert_valid_until(b, t, s, buf_text(&to), true);
	b->failed |= to.failed;
	buf_release(&to);
	buf_str(b, "IF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n");
}

void
pg_put_merge_row_into_history(struct buf *b, const struct target *t,
    const struct shape *s)
{
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "DECLARE \"etl.p\" %s%%ROWTYPE; "
	    "\"etl.at\" %s.%s%%TYPE; \"etl.to\" %s.%s%%TYPE;\nBEGIN\n",
	    t->table->quoted, t->table->quoted, from, t->table->quoted, from);
	put_set_time_and_find_valid_row(b, t);
	buf_printf(b, "IF \"etl.p\".%s IS NULL THEN\n", from);
	put_insert_until_next_row(b, t, s);
	buf_str(b, "ELSIF NOT (");
	pg_put_differs(b, t, s, "\"etl.p\"", "\"etl.r\"");
	buf_str(b, ") THEN\n");
	put_update_seen_or_null(b, t);
	buf_printf(b, "ELSIF \"etl.p\".%s OPERATOR(pg_catalog.=) \"etl.at\" "
	    "THEN\n", from);
	put_update_found_row_or_null(b, t, s);
	buf_str(b, "ELSE\n");
	put_end_found_row_and_insert(b, t, s);
	buf_str(b, "END IF;\nEND;\n");
}
