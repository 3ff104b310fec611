#include "pg/pg_sql.h"

#include "pg/pg_inserted_keys.h"
#include "pg/pg_newer.h"
#include "table/columns_sql.h"
#include "table/soft_delete.h"

#include <inttypes.h>

static const char *
quoted(const struct target *t, size_t column)
{
	return t->table->columns[column].quoted;
}

void
pg_put_found_table(struct buf *b, const struct target *t)
{
	buf_printf(b, "CREATE TEMP TABLE IF NOT EXISTS etl_load_found (n int, "
	    "state text, message text, col text, con text, waits boolean, "
	    "inserted int, updated int, unchanged int, superseded int, "
	    "most int, skipped int, deleted int, missed int, "
	    "only_updates int) %s; "
	    "DELETE FROM " PG_FOUND, t->on_commit);
}

void
pg_put_merged_table(struct buf *b, const struct target *t)
{
	buf_printf(b, "CREATE TEMP TABLE IF NOT EXISTS etl_load_merged%s "
	    "%s AS SELECT false AS \"etl.new\", ", t->suffix, t->on_commit);
	sql_put_key(b, t);
	buf_printf(b, " FROM %s WITH NO DATA; DELETE FROM " PG_MERGED "%s",
	    t->table->quoted, t->suffix);
}

void
pg_put_overriding(struct buf *b, const struct target *t, const struct shape *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (t->table->columns[s->columns[i]].identity) {
			buf_str(b, " OVERRIDING SYSTEM VALUE");
			break;
		}
}

void
pg_put_insert(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "INSERT INTO %s AS \"etl.t\"", t->table->quoted);
	if (s->n == 0 && t->touch == NO_COLUMN && t->seen == NO_COLUMN)
		return;
	buf_str(b, " (");
	sql_put_columns(b, t, s, true);
	buf_str(b, ")");
	pg_put_overriding(b, t, s);
}

void
pg_put_source(struct buf *b, const struct target *t, const struct shape *s,
    const char *from)
{
	const char *comma = "";

	for (size_t i = 0; i < s->n; i++, comma = ", ")
		buf_printf(b, "%s%s.%s", comma, from,
		    quoted(t, s->columns[i]));
	for (int i = (t->touch != NO_COLUMN) + (t->seen != NO_COLUMN); i > 0;
	    i--, comma = ", ")
		buf_printf(b, "%spg_catalog.now()", comma);
	if (t->soft_delete != NO_COLUMN)
		buf_printf(b, "%s%s", comma, soft_delete_live(t));
}

/* Appends ROW(from."a", from."b")::record with the columns that an upsert
 * compares to find out whether a row has changed: those of --compare, by
 * default all columns of the record except the key. With key_too, also those of
 * the key. */
void
pg_put_compared(struct buf *b, const struct target *t, const struct shape *s,
    const char *from, bool key_too)
{
	const char *comma = "";

	buf_str(b, "ROW(");
	for (size_t i = 0; i < s->n; i++)
		if (upsert_compares(t, s, i) ||
		    (key_too && t->is_key[s->columns[i]])) {
			buf_printf(b, "%s%s.%s", comma, from,
			    quoted(t, s->columns[i]));
			comma = ", ";
		}
	buf_str(b, ")::record");
}

static void
put_assignment(struct buf *b, const struct target *t, int column,
    const char *value, const char **comma)
{
	if (column == NO_COLUMN)
		return;
	buf_printf(b, "%s%s = %s", *comma, quoted(t, (size_t)column), value);
	*comma = ", ";
}

void
pg_put_mark_deleted(struct buf *b, const struct target *t)
{
	const char *comma = "";

	put_assignment(b, t, t->soft_delete, t->mark == MARK_TRUE ? "true" :
	    "pg_catalog.now()", &comma);
	put_assignment(b, t, t->touch, "pg_catalog.now()", &comma);
}

void
pg_put_assignments(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, bool key_too)
{
	const char *comma = "";

	for (size_t i = 0; i < s->n; i++)
		if (!t->is_key[s->columns[i]] || key_too) {
			buf_printf(b, "%s%s = %s.%s", comma,
			    quoted(t, s->columns[i]), from,
			    quoted(t, s->columns[i]));
			comma = ", ";
		}
	put_assignment(b, t, t->touch, "pg_catalog.now()", &comma);
	put_assignment(b, t, t->seen, "pg_catalog.now()", &comma);
	put_assignment(b, t, t->soft_delete, soft_delete_live(t), &comma);
}

/* PostgreSQL's operator *<> compares the stored bytes of two rows. Unlike
 * <>, *<> works for every type, and it treats 1.0 and 1.00, or Anna and anna in
 * a citext column, as different. */
void
pg_put_row_differs(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, bool key_too)
{
	bool compares = key_too || upsert_compares_any(t, s);

	if (compares) {
		pg_put_compared(b, t, s, "\"etl.t\"", key_too);
		buf_str(b, " OPERATOR(pg_catalog.*<>) ");
		pg_put_compared(b, t, s, from, key_too);
	}
	if (t->soft_delete != NO_COLUMN) {
		buf_str(b, compares ? " OR " : "");
		soft_delete_put_marked(b, t, "\"etl.t\".");
	}
}

static void
put_operand(struct buf *b, const struct column *c, const char *from,
    const char *name)
{
	buf_printf(b, "%s.%s", from, name);
	if (c->equal_type != NULL)
		buf_printf(b, "::%s", c->equal_type);
}

/* The operator is written with its schema. A plain = could be an operator that
 * another role has created in a schema of the search_path: PostgreSQL has no
 * operator of its own for exactly (varchar, varchar) or for a domain. If the
 * operator belongs to an extension, its schema may be open to other roles too.
 * So the operands get exactly the type for which the extension made it. */
void
pg_put_equal(struct buf *b, const struct column *c, const char *one,
    const char *other, const char *name_in_other)
{
	put_operand(b, c, one, c->quoted);
	buf_printf(b, " %s ", c->equal != NULL ? c->equal :
	    "OPERATOR(pg_catalog.=)");
	put_operand(b, c, other, name_in_other);
}

static void
put_equal(struct buf *b, const struct column *c, const char *one,
    const char *other)
{
	pg_put_equal(b, c, one, other, c->quoted);
}

void
pg_put_same_key(struct buf *b, const struct target *t, const char *one,
    const char *other)
{
	for (size_t i = 0; i < t->nkey; i++) {
		if (i > 0)
			buf_str(b, " AND ");
		put_equal(b, &t->table->columns[t->key[i]], one, other);
	}
}

/* Appends RETURNING with an expression that is true if the row was inserted and
 * false if it was updated. If an upsert updates a row, the system column xmax
 * of the row is not 0. A partitioned table does not show xmax. For it the
 * expression tests whether the table had a row with this key when the statement
 * started. */
static void
put_returning(struct buf *b, const struct target *t)
{
	buf_str(b, " RETURNING ");
	if (!t->mode->updates) {
		buf_str(b, "true");
		if (pg_notes_inserted(t))
			pg_put_returned_keys(b, t);
	} else if (!t->partitioned) {
		buf_str(b, "\"etl.t\".xmax = 0");
	} else {
		buf_printf(b, "NOT EXISTS (SELECT FROM %s AS \"etl.o\" WHERE ",
		    t->table->quoted);
		pg_put_same_key(b, t, "\"etl.o\"", "\"etl.t\"");
		buf_str(b, ")");
	}
}

void
pg_put_on_conflict(struct buf *b, const struct target *t, const struct shape *s)
{
	if (t->mode->keyed) {
		buf_str(b, " ON CONFLICT (");
		sql_put_key(b, t);
		buf_str(b, ") DO ");
	}
	if (t->mode->updates && shape_can_change(t, s)) {
		buf_str(b, "UPDATE SET ");
		pg_put_assignments(b, t, s, "excluded", false);
		buf_str(b, " WHERE (");
		pg_put_row_differs(b, t, s, "excluded", false);
		buf_char(b, ')');
		if (t->newer_by != NO_COLUMN) {
			buf_str(b, " AND NOT ");
			pg_put_is_newer(b, t, "\"etl.t\"", "excluded");
		}
	} else if (t->mode->keyed) {
		buf_str(b, "NOTHING");
	}
	put_returning(b, t);
}

/* An upsert does not see the rows of tables that inherit from the target, so an
 * update must leave them alone, too. --mode cdc updates them. */
static const char *
only(const struct target *t)
{
	return t->partitioned || t->mode->changes ? "" : "ONLY ";
}

void
pg_put_update_row(struct buf *b, const struct target *t,
    const struct shape *s, const char *from, const char *source)
{
	buf_printf(b, "UPDATE %s%s AS \"etl.t\" SET ", only(t),
	    t->table->quoted);
	pg_put_assignments(b, t, s, from, false);
	buf_printf(b, "%s WHERE ", source);
	pg_put_same_key(b, t, "\"etl.t\"", from);
	buf_str(b, " AND (");
	pg_put_row_differs(b, t, s, from, false);
	buf_char(b, ')');
	if (t->newer_by != NO_COLUMN) {
		buf_str(b, " AND NOT ");
		pg_put_is_newer(b, t, "\"etl.t\"", from);
	}
}

static void
put_key_of_row(struct buf *b, const struct target *t, bool wanted)
{
	for (size_t i = 0; wanted && i < t->nkey; i++)
		buf_printf(b, ", \"etl.t\".%s", quoted(t, t->key[i]));
}

void
pg_put_merge_begin(struct buf *b, const struct target *t,
    const struct shape *s, bool first_updates)
{
	if (first_updates) {
		buf_str(b, "WITH w AS (SELECT w.*");
		return;
	}
	buf_str(b, "WITH m(new) AS (");
	pg_put_insert(b, t, s);
	buf_str(b, " SELECT ");
	pg_put_source(b, t, s, "w");
}

/* With first_updates, another session may insert a row after the statement has
 * looked for it: so the INSERT still has its ON CONFLICT. OFFSET 0 has the same
 * reason as in put_would_change(). */
void
pg_put_merge_end(struct buf *b, const struct target *t,
    const struct shape *s, bool first_updates, bool with_keys)
{
	bool updates = t->mode->updates && shape_can_change(t, s);

	if (first_updates && updates) {
		buf_str(b, "), u AS (");
		pg_put_update_row(b, t, s, "w", " FROM w");
		buf_str(b, " RETURNING false");
		put_key_of_row(b, t, with_keys);
	}
	if (first_updates) {
		buf_str(b, "), i AS (");
		pg_put_insert(b, t, s);
		buf_str(b, " SELECT ");
		pg_put_source(b, t, s, "w");
		buf_printf(b, " FROM w WHERE NOT EXISTS (SELECT FROM %s%s AS "
		    "\"etl.t\" WHERE ", only(t), t->table->quoted);
		pg_put_same_key(b, t, "\"etl.t\"", "w");
		buf_str(b, " OFFSET 0)");
	}
	pg_put_on_conflict(b, t, s);
	put_key_of_row(b, t, with_keys);
	if (first_updates)
		buf_printf(b, "), m(new) AS (%sSELECT * FROM i",
		    updates ? "SELECT * FROM u UNION ALL " : "");
	buf_char(b, ')');
}

/* All loaders merge rows in the same order, that of the key. So two loaders
 * that write the same keys cannot end in a deadlock. The order must be that of
 * pg_key_order.c: if the rows came in this order, the loader does not sort
 * them. */
static void
put_sort_key(struct buf *b, const struct target *t)
{
	const struct column *c;

	for (size_t i = 0; i < t->nkey; i++) {
		c = &t->table->columns[t->key[i]];
		buf_printf(b, "%s%s%s", i > 0 ? ", " : "", c->quoted,
		    c->equal_as_bytes ? " COLLATE pg_catalog.\"C\"" : "");
	}
}

void
pg_put_order_by(struct buf *b, const struct target *t)
{
	buf_str(b, " ORDER BY ");
	put_sort_key(b, t);
	buf_str(b, ", \"etl.n\"");
}

/* Appends a query that returns the last row of each key or, with --newer-by,
 * the newest. If a row of the key has a NULL in a NOT NULL column, the query
 * returns this row instead: the server must see and refuse it. */
static void
put_last_rows(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_str(b, "(SELECT DISTINCT ON (");
	put_sort_key(b, t);
	buf_printf(b, ") * FROM " PG_STAGE "%s ORDER BY ", t->suffix);
	put_sort_key(b, t);
	for (size_t i = 0; i < s->n; i++)
		if (t->table->columns[s->columns[i]].not_null &&
		    !t->is_key[s->columns[i]])
			buf_printf(b, ", %s IS NULL DESC",
			    quoted(t, s->columns[i]));
	if (t->newer_by != NO_COLUMN)
		buf_printf(b, ", %s DESC", quoted(t, (size_t)t->newer_by));
	buf_str(b, ", \"etl.n\" DESC)");
}

/* Appends `before` and a condition on a staged row w. It is false if w equals
 * its row in the table, so that the upsert can leave w out. OFFSET 0 keeps the
 * planner from turning the subquery into a join: without statistics of the
 * staging table, it might read the whole target table. */
static void
put_would_change(struct buf *b, const struct target *t, const struct shape *s,
    const char *before)
{
	buf_printf(b, "%sNOT EXISTS (SELECT FROM %s%s AS \"etl.t\" WHERE ",
	    before, t->partitioned ? "" : "ONLY ", t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "w");
	buf_str(b, " AND (");
	pg_put_row_differs(b, t, s, "w", false);
	buf_str(b, ") IS FALSE OFFSET 0)");
}

void
pg_put_merge(struct buf *b, const struct target *t, const struct shape *s,
    bool alone, enum pg_rows_taken rows, bool first_updates)
{
	pg_put_merge_begin(b, t, s, first_updates);
	buf_str(b, " FROM ");
	if (rows == PG_ROWS_LAST_OF_KEY)
		put_last_rows(b, t, s);
	else
		buf_printf(b, PG_STAGE "%s", t->suffix);
	buf_str(b, " AS w");
	if (rows == PG_ROWS_NONE)
		buf_str(b, " WHERE false");
	else if (!alone)
		buf_printf(b, " WHERE \"etl.s\" = %zu", s->id);
	if (rows == PG_ROWS_CHANGED)
		put_would_change(b, t, s, alone ? " WHERE " : " AND ");
	if (rows == PG_ROWS_BY_KEY)
		pg_put_order_by(b, t);
	else if (rows == PG_ROWS_IN_ORDER)
		buf_str(b, " ORDER BY \"etl.n\"");
	pg_put_merge_end(b, t, s, first_updates, false);
	if (pg_notes_inserted(t))
		pg_put_note_returned(b, t);
	buf_str(b, " SELECT pg_catalog.count(*), "
	    "pg_catalog.count(*) FILTER (WHERE new) FROM m");
}

void
pg_put_merge_round(struct buf *b, const struct target *t,
    const struct shape *s, int64_t round, bool first_updates)
{
	pg_put_merge_begin(b, t, s, first_updates);
	buf_str(b, " FROM (SELECT *, pg_catalog.row_number() OVER "
	    "(PARTITION BY ");
	sql_put_key(b, t);
	buf_printf(b, " ORDER BY \"etl.n\") AS \"etl.r\" FROM " PG_STAGE
	    "%s) AS w WHERE \"etl.s\" = %zu AND \"etl.r\" = %" PRId64,
	    t->suffix, s->id, round);
	pg_put_order_by(b, t);
	pg_put_merge_end(b, t, s, first_updates, true);
	buf_printf(b, " INSERT INTO " PG_MERGED "%s SELECT * FROM m",
	    t->suffix);
}

void
pg_put_count_merged(struct buf *b, const struct target *t)
{
	buf_printf(b, "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER "
	    "(WHERE new) FROM (SELECT pg_catalog.bool_or(\"etl.new\") AS new "
	    "FROM " PG_MERGED "%s GROUP BY ", t->suffix);
	sql_put_key(b, t);
	buf_str(b, ") AS d");
}

void
pg_put_count_most(struct buf *b, const struct target *t)
{
	buf_printf(b, "SELECT coalesce(pg_catalog.max(n), 0) FROM "
	    "(SELECT pg_catalog.count(*) AS n FROM " PG_STAGE "%s GROUP BY ",
	    t->suffix);
	sql_put_key(b, t);
	buf_str(b, ") AS d");
}

void
pg_put_count_keys(struct buf *b, const struct target *t)
{
	buf_str(b, "SELECT pg_catalog.count(*) FROM (SELECT DISTINCT ");
	sql_put_key(b, t);
	buf_printf(b, " FROM " PG_STAGE "%s) AS d", t->suffix);
}

void
pg_put_seen(struct buf *b, const struct target *t)
{
	const char *seen = quoted(t, (size_t)t->seen);

	buf_printf(b, "UPDATE %s AS t SET %s = pg_catalog.now() "
	    "FROM (SELECT DISTINCT ", t->table->quoted, seen);
	sql_put_key(b, t);
	buf_printf(b, " FROM " PG_STAGE "%s%s) AS w WHERE ", t->suffix,
	    t->mode->changes ? " WHERE \"etl.o\" <> 'D'" : "");
	pg_put_same_key(b, t, "t", "w");
	buf_printf(b, " AND (t.%s OPERATOR(pg_catalog.=) pg_catalog.now()) "
	    "IS NOT TRUE", seen);
}
