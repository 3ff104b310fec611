#include "pg/pg_sql.h"

#include "columns_sql.h"
#include "history.h"
#include "pg/pg_merge.h"
#include "target.h"

#include <inttypes.h>
#include <stdio.h>

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

/* Pieces of statements. Appends OVERRIDING SYSTEM VALUE if the shape has an
 * identity column: this lets an INSERT set it. */
static void
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
static void
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

/* UPDATE of the row "etl.t" with the key of the row `from`, if this changes it.
 * `source` is "" or a FROM clause. */
static void
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
 * pg_codec.c: if the rows came in this order, the loader does not sort
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

/* ORDER BY the key, then the number of the item */
static void
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

const char pg_operation_letters[3] = {
	[OPERATION_INSERT] = 'I',
	[OPERATION_UPDATE] = 'U',
	[OPERATION_DELETE] = 'D',
};

void
pg_put_old_column(struct buf *b, size_t i)
{
	char name[CHANGE_NAME];

	change_old_name(name, i);
	buf_printf(b, "\"%s\"", name);
}

static void
put_change_columns(struct buf *b, const struct target *t)
{
	buf_str(b, ", ''::text AS \"etl.o\"");
	for (size_t i = 0; i < t->nkey; i++) {
		buf_printf(b, ", %s AS ", t->table->columns[t->key[i]].quoted);
		pg_put_old_column(b, i);
	}
}

static void
put_change_names(struct buf *b, const struct target *t)
{
	buf_str(b, "\"etl.o\", ");
	for (size_t i = 0; i < t->nkey; i++) {
		pg_put_old_column(b, i);
		buf_str(b, ", ");
	}
}

void
pg_put_stage_table(struct buf *b, const struct target *t, bool lasts)
{
	const char *x = t->suffix;

	buf_printf(b, "DROP TABLE IF EXISTS " PG_STAGE "%s, " PG_MERGED "%s, "
	    PG_PLAN "%s; CREATE TEMP TABLE etl_load_stage%s ", x, x, x, x);
	buf_printf(b, "%s AS SELECT 0 AS \"etl.n\", 0 AS \"etl.s\"",
	    db_on_commit_keep(lasts));
	for (size_t i = 0; i < t->table->n; i++)
		if (target_loads(t, i))
			buf_printf(b, ", %s", t->table->columns[i].quoted);
	if (t->mode->changes)
		put_change_columns(b, t);
	buf_printf(b, " FROM %s WITH NO DATA", t->table->quoted);
}

void
pg_put_copy(struct buf *b, const struct target *t, const struct shape *s,
    bool staged)
{
	buf_printf(b, "COPY %s%s (", staged ? PG_STAGE : t->table->quoted,
	    staged ? t->suffix : "");
	if (staged)
		buf_str(b, s->n > 0 ? "\"etl.n\", \"etl.s\", " :
		    "\"etl.n\", \"etl.s\"");
	if (t->mode->changes)
		put_change_names(b, t);
	if (t->mode->history)
		buf_printf(b, "%s, ",
		    t->table->columns[t->history.from].quoted);
	sql_put_columns(b, t, s, !staged);
	buf_str(b, ") FROM STDIN");
}

void
pg_put_round_table(struct buf *b, const struct target *t)
{
	buf_printf(b, "CREATE TEMP TABLE IF NOT EXISTS etl_load_round "
	    "(n int, round int8) %s; DELETE FROM " PG_ROUND, t->on_commit);
}

void
pg_put_fill_rounds(struct buf *b, const struct target *t)
{
	buf_str(b, "INSERT INTO " PG_ROUND " SELECT n, round FROM "
	    "(SELECT \"etl.n\" AS n, pg_catalog.row_number() OVER "
	    "(PARTITION BY ");
	sql_put_key(b, t);
	buf_printf(b, " ORDER BY \"etl.n\") AS round FROM " PG_STAGE
	    "%s) AS x WHERE round > 1", t->suffix);
}

static void
put_is_in_round(struct buf *b, const struct pg_round *r)
{
	if (r->number == 0)
		buf_str(b, "false");
	else if (r->alone)
		buf_str(b, "true");
	else if (r->number == 1)
		buf_str(b, "NOT EXISTS (SELECT FROM " PG_ROUND " AS \"etl.d\" "
		    "WHERE \"etl.d\".n = \"etl.n\")");
	else
		buf_printf(b, "EXISTS (SELECT FROM " PG_ROUND " AS \"etl.d\" "
		    "WHERE \"etl.d\".n = \"etl.n\" AND \"etl.d\".round = "
		    "%" PRId64 ")", r->number);
}

void
pg_put_upsert_round(struct buf *b, const struct target *t,
    const struct shape *s, const struct pg_round *r, bool first_updates)
{
	pg_put_merge_begin(b, t, s, first_updates);
	buf_printf(b, " FROM " PG_STAGE "%s AS w WHERE \"etl.s\" = %zu "
	    "AND \"etl.o\" <> 'D' AND ", t->suffix, s->id);
	put_is_in_round(b, r);
	pg_put_order_by(b, t);
	pg_put_merge_end(b, t, s, first_updates, false);
	buf_str(b, " SELECT pg_catalog.count(*), "
	    "pg_catalog.count(*) FILTER (WHERE new) FROM m");
}

/* Appends DELETE FROM t AS "etl.t" or, with --soft-delete, the UPDATE that
 * marks rows as deleted. The caller appends the condition. */
static void
put_delete_head(struct buf *b, const struct target *t)
{
	bool marks = t->soft_delete != NO_COLUMN;

	buf_printf(b, "%s %s AS \"etl.t\"", marks ? "UPDATE" : "DELETE FROM",
	    t->table->quoted);
	if (marks) {
		buf_str(b, " SET ");
		pg_put_mark_deleted(b, t);
	}
}

/* With --soft-delete, appends a condition that excludes rows that are already
 * marked as deleted. */
static void
put_not_marked(struct buf *b, const struct target *t)
{
	if (t->soft_delete == NO_COLUMN)
		return;
	buf_str(b, " AND NOT (");
	soft_delete_put_marked(b, t, "\"etl.t\".");
	buf_str(b, ")");
}

void
pg_put_delete_round(struct buf *b, const struct target *t,
    const struct pg_round *r)
{
	put_delete_head(b, t);
	buf_printf(b, " %s (SELECT ",
	    t->soft_delete != NO_COLUMN ? "FROM" : "USING");
	sql_put_key(b, t);
	buf_printf(b, " FROM " PG_STAGE "%s WHERE \"etl.o\" = 'D' AND ",
	    t->suffix);
	put_is_in_round(b, r);
	pg_put_order_by(b, t);
	buf_str(b, ") AS w WHERE ");
	pg_put_same_key(b, t, "\"etl.t\"", "w");
	put_not_marked(b, t);
}

/* Appends nothing unless --strict is given. */
static void
put_raise_missing(struct buf *b, const struct target *t,
    enum operation operation)
{
	if (t->strict)
		buf_printf(b, "IF NOT \"etl.found\" THEN\nRAISE EXCEPTION "
		    "USING ERRCODE = '" PG_NO_ROW "', MESSAGE = '%s';\n"
		    "END IF;\n", change_missing_why(operation));
}

/* Appends the statements that delete the row of "etl.r", or mark it as deleted,
 * and set "etl.gone". */
static void
put_delete_row(struct buf *b, const struct target *t)
{
	put_delete_head(b, t);
	buf_str(b, " WHERE ");
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	put_not_marked(b, t);
	buf_str(b, ";\n\"etl.gone\" := FOUND;\n\"etl.found\" := FOUND;\n");
	put_raise_missing(b, t, OPERATION_DELETE);
}

static void
put_has_old_key(struct buf *b, const struct target *t)
{
	for (size_t i = 0; i < t->nkey; i++) {
		char name[CHANGE_NAME], quoted[CHANGE_NAME + 2];

		change_old_name(name, i);
		(void)snprintf(quoted, sizeof(quoted), "\"%s\"", name);
		buf_str(b, i > 0 ? " AND " : " WHERE ");
		pg_put_equal(b, &t->table->columns[t->key[i]], "\"etl.t\"",
		    "\"etl.r\"", quoted);
	}
}

/* If the update changes the key, appends an UPDATE that finds the row by the
 * old key. It leaves a row alone that is already as the record says: the two
 * keys may be spellings of one value. Or there is no row with the old key
 * because the same update was applied before. The statements of
 * put_update_by_key() then find the row with the new key. */
static void
put_move_row(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_str(b, "IF \"etl.r\".");
	pg_put_old_column(b, 0);
	buf_printf(b, " IS NOT NULL THEN\nUPDATE %s AS \"etl.t\" SET ",
	    t->table->quoted);
	pg_put_assignments(b, t, s, "\"etl.r\"", true);
	put_has_old_key(b, t);
	buf_str(b, " AND (");
	pg_put_row_differs(b, t, s, "\"etl.r\"", true);
	buf_str(b, ");\nIF FOUND THEN\n\"etl.new\" := false;\nEND IF;\n"
	    "\"etl.found\" := FOUND;\n");
	if (t->strict) {
		buf_printf(b, "\"etl.found\" := \"etl.found\" OR EXISTS "
		    "(SELECT FROM %s AS \"etl.t\"", t->table->quoted);
		put_has_old_key(b, t);
		buf_str(b, " AND (");
		pg_put_row_differs(b, t, s, "\"etl.r\"", true);
		buf_str(b, ") IS NOT TRUE);\n");
		put_raise_missing(b, t, OPERATION_UPDATE);
	}
	buf_str(b, "END IF;\n");
}

void
pg_put_update_found(struct buf *b, const struct target *t,
    const struct shape *s, bool secured)
{
	bool updates = t->mode->updates && shape_can_change(t, s);

	if (updates) {
		pg_put_update_row(b, t, s, "\"etl.r\"", "");
		buf_str(b, ";\nIF FOUND THEN\n\"etl.new\" := false;\n"
		    "END IF;\n\"etl.found\" := FOUND;\n");
	}
	buf_printf(b, "IF NOT \"etl.found\" THEN\n\"etl.found\" := EXISTS "
	    "(SELECT FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	pg_put_same_key(b, t, "\"etl.t\"", "\"etl.r\"");
	if (secured && updates) {
		buf_str(b, " AND ((");
		pg_put_row_differs(b, t, s, "\"etl.r\"", false);
		buf_str(b, ") IS NOT TRUE");
		if (t->newer_by != NO_COLUMN) {
			buf_str(b, " OR ");
			pg_put_is_newer(b, t, "\"etl.t\"", "\"etl.r\"");
		}
		buf_char(b, ')');
	}
	buf_str(b, ");\nEND IF;\n");
}

void
pg_put_row_change(struct buf *b, const struct target *t, const struct shape *s,
    bool secured)
{
	buf_str(b, "\"etl.gone\" := NULL;\n"
	    "IF \"etl.r\".\"etl.o\" = 'D' THEN\n");
	put_delete_row(b, t);
	buf_str(b, "\"etl.found\" := true;\n"
	    "ELSIF \"etl.r\".\"etl.o\" = 'U' THEN\n");
	put_move_row(b, t, s);
	buf_str(b, "IF NOT \"etl.found\" THEN\n");
	pg_put_update_found(b, t, s, secured);
	put_raise_missing(b, t, OPERATION_UPDATE);
	buf_str(b, "END IF;\nEND IF;\n");
}

/* Adds the row with item -1, which has the counts, to PG_FOUND. Each change is
 * counted, also if its key has several changes. The column `most` gets the
 * number of changes of the key with the most changes. */
const char pg_counts_of_changes[] =
    "INSERT INTO " PG_FOUND " SELECT -1, NULL, NULL, NULL, NULL, false, "
    "coalesce(pg_catalog.sum(ins), 0), coalesce(pg_catalog.sum(upd), 0), "
    "coalesce(pg_catalog.sum(unc), 0), 0, coalesce(pg_catalog.max(n), 0), 0, "
    "coalesce(pg_catalog.sum(del), 0), coalesce(pg_catalog.sum(mis), 0), "
    "\"etl.updates\"::int "
    "FROM (SELECT pg_catalog.count(*) AS n, "
    "pg_catalog.count(*) FILTER (WHERE how = 1) AS ins, "
    "pg_catalog.count(*) FILTER (WHERE how = 2) AS upd, "
    "pg_catalog.count(*) FILTER (WHERE how = 3) AS unc, "
    "pg_catalog.count(*) FILTER (WHERE how = 4) AS del, "
    "pg_catalog.count(*) FILTER (WHERE how = 5) AS mis "
    "FROM (SELECT x.*, \"etl.how\"[\"etl.n\" + 1] AS how FROM " PG_STAGE;

static const char *
quote(const struct target *t, int column)
{
	return t->table->columns[column].quoted;
}

/* Appends an expression for a time: that of the transaction. If the row does
 * not begin before this time, it is the next time after the beginning of the
 * row that the column can hold. */
static void
put_time_after(struct buf *b, const struct target *t, const char *row,
    const char *step_of_days)
{
	const struct history *h = &t->history;
	const struct column *from = &t->table->columns[h->from];
	int64_t step = 1000000;

	for (int digits = h->digits; digits > 0; digits--)
		step /= 10;
	buf_printf(b, "greatest(pg_catalog.now()::%s, %s.%s%s", from->type,
	    row, from->quoted, h->digits == AS_OF_DAYS ? step_of_days : "");
	if (h->digits != AS_OF_DAYS)
		buf_printf(b, " OPERATOR(pg_catalog.+) '%" PRId64
		    " microseconds'::interval", step);
	buf_char(b, ')');
}

/* Without --as-of each change gets a time of its own, and so a row of its own.
 * A column of days is an exception: all changes of a key on one day have the
 * same time, and give one row. */
void
pg_put_change_time(struct buf *b, const struct target *t,
    const char *staged, const char *current)
{
	if (t->history.as_of == NULL)
		put_time_after(b, t, current, "");
	else
		buf_printf(b, "%s.%s", staged, quote(t, t->history.from));
}

void
pg_put_differs(struct buf *b, const struct target *t,
    const struct shape *s, const char *one, const char *other)
{
	if (!shape_can_change(t, s)) {
		buf_str(b, "false");
		return;
	}
	pg_put_compared(b, t, s, one, false);
	buf_str(b, " OPERATOR(pg_catalog.*<>) ");
	pg_put_compared(b, t, s, other, false);
}

/* Appends nothing if there is no such column. */
static void
put_now_column(struct buf *b, const struct target *t, int column)
{
	if (column != NO_COLUMN)
		buf_printf(b, ", %s = pg_catalog.now()", quote(t, column));
}

void
pg_put_carried(struct buf *b, const struct target *t,
    const struct shape *s, const char *from)
{
	for (size_t c = 0; c < t->table->n; c++)
		if (history_carries(t, s, c))
			buf_printf(b, ", %s%s%s", from == NULL ? "" : from,
			    from == NULL ? "" : ".", quote(t, (int)c));
}

void
pg_put_plan_table(struct buf *b, const struct target *t)
{
	const char *from = quote(t, t->history.from);

	buf_printf(b, "CREATE TEMP TABLE IF NOT EXISTS etl_load_plan%s "
	    "%s AS SELECT 0 AS n, %s AS at, %s AS since, "
	    "%s AS until, ''::text AS step FROM %s WITH NO DATA; DELETE FROM "
	    PG_PLAN "%s", t->suffix, t->on_commit, from, from, from,
	    t->table->quoted, t->suffix);
}

void
pg_put_plan_round(struct buf *b, const struct target *t,
    const struct shape *s, int64_t round)
{
	const char *from = quote(t, t->history.from);

	buf_printf(b, "INSERT INTO " PG_PLAN "%s SELECT w.\"etl.n\", x.at, "
	    "c.%s, c.%s, CASE WHEN c.%s IS NULL OR c.%s "
	    "OPERATOR(pg_catalog.>) x.at THEN 'late' WHEN NOT (",
	    t->suffix, from, quote(t, t->history.to), from, from);
	pg_put_differs(b, t, s, "c", "w");
	buf_printf(b, ") THEN 'same' WHEN c.%s OPERATOR(pg_catalog.=) x.at "
	    "THEN 'correct' ELSE 'end' END FROM (SELECT *, "
	    "pg_catalog.row_number() OVER (PARTITION BY ", from);
	sql_put_key(b, t);
	buf_printf(b, " ORDER BY \"etl.n\") AS \"etl.r\" FROM " PG_STAGE
	    "%s) AS w LEFT JOIN %s AS c ON c.%s AND ", t->suffix,
	    t->table->quoted, quote(t, t->history.current));
	pg_put_same_key(b, t, "c", "w");
	buf_str(b, " CROSS JOIN LATERAL (SELECT ");
	pg_put_change_time(b, t, "w", "c");
	buf_printf(b, " AS at) AS x WHERE w.\"etl.s\" = %zu "
	    "AND w.\"etl.r\" = %" PRId64, s->id, round);
}

static void
put_count_plan(struct buf *b, const struct target *t, const char *condition)
{
	buf_printf(b, "SELECT pg_catalog.count(*) FROM " PG_PLAN "%s WHERE %s",
	    t->suffix, condition);
}

void
pg_put_count_late(struct buf *b, const struct target *t)
{
	put_count_plan(b, t, "step = 'late'");
}

void
pg_put_count_past(struct buf *b, const struct target *t)
{
	put_count_plan(b, t, "until IS NOT NULL");
}

void
pg_put_count_planned(struct buf *b, const struct target *t)
{
	put_count_plan(b, t, "step <> 'same'");
}

/* If a key has no row in the table, its record keeps the word "late" and is
 * inserted as the current row. */
void
pg_put_plan_late(struct buf *b, const struct target *t)
{
	const char *from = quote(t, t->history.from);
	const char *to = quote(t, t->history.to);

	buf_printf(b, "UPDATE " PG_PLAN "%s AS p SET since = h.since, "
	    "until = h.next, step = CASE WHEN h.since IS NULL THEN 'insert' "
	    "ELSE 'valid' END FROM (SELECT l.n, pg_catalog.max(r.%s) FILTER "
	    "(WHERE r.%s OPERATOR(pg_catalog.<=) l.at AND (r.%s IS NULL OR "
	    "r.%s OPERATOR(pg_catalog.>) l.at)) AS since, "
	    "pg_catalog.min(r.%s) FILTER "
	    "(WHERE r.%s OPERATOR(pg_catalog.>) l.at) AS next FROM " PG_PLAN
	    "%s AS l JOIN " PG_STAGE "%s AS w ON w.\"etl.n\" = l.n "
	    "JOIN %s AS r ON ",
	    t->suffix, from, from, to, to, from, from, t->suffix, t->suffix,
	    t->table->quoted);
	pg_put_same_key(b, t, "r", "w");
	buf_str(b, " WHERE l.step = 'late' GROUP BY l.n) AS h WHERE h.n = p.n");
}

static void
put_from_plan(struct buf *b, const struct target *t)
{
	buf_printf(b, " FROM " PG_PLAN "%s AS p, " PG_STAGE "%s AS w",
	    t->suffix, t->suffix);
}

/* Appends WHERE and a condition that joins three tables. The step of the plan p
 * is `word`, w is the staged row of p, and `row` is the row of the target that
 * begins at p.since. If s is not NULL, w must have this shape. */
static void
put_plan_of_shape(struct buf *b, const struct target *t,
    const struct shape *s, const char *word, const char *row)
{
	buf_printf(b, " WHERE p.step = '%s' AND w.\"etl.n\" = p.n AND ", word);
	if (s != NULL)
		buf_printf(b, "w.\"etl.s\" = %zu AND ", s->id);
	pg_put_same_key(b, t, row, "w");
	buf_printf(b, " AND %s.%s OPERATOR(pg_catalog.=) p.since", row,
	    quote(t, t->history.from));
}

void
pg_put_plan_valid(
    struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "UPDATE " PG_PLAN "%s AS p SET until = r.%s, "
	    "step = CASE WHEN NOT (", t->suffix, quote(t, t->history.to));
	pg_put_differs(b, t, s, "r", "w");
	buf_printf(b, ") THEN 'same' WHEN p.since OPERATOR(pg_catalog.=) p.at "
	    "THEN 'correct' ELSE 'end' END FROM " PG_STAGE "%s AS w, %s AS r",
	    t->suffix, t->table->quoted);
	put_plan_of_shape(b, t, s, "valid", "r");
}

/* The condition lets PostgreSQL use the index of the current rows, which is a
 * partial index. If `late` is true, appends the opposite condition. */
static void
put_is_current(struct buf *b, const struct target *t, const char *row,
    bool late)
{
	buf_printf(b, " AND %s%s.%s", late ? "NOT " : "", row,
	    quote(t, t->history.current));
}

void
pg_put_insert_history(struct buf *b, const struct target *t,
    const struct shape *s, bool carries)
{
	const struct history *h = &t->history;

	buf_printf(b, "INSERT INTO %s (", t->table->quoted);
	sql_put_columns(b, t, s, true);
	buf_printf(b, ", %s, %s, %s", quote(t, h->from), quote(t, h->to),
	    quote(t, h->current));
	if (carries)
		pg_put_carried(b, t, s, NULL);
	buf_char(b, ')');
	pg_put_overriding(b, t, s);
	buf_char(b, ' ');
}

static void
put_insert_select(struct buf *b, const struct target *t, const struct shape *s,
    bool carries)
{
	pg_put_insert_history(b, t, s, carries);
	buf_str(b, "SELECT ");
	pg_put_source(b, t, s, "w");
	buf_str(b, ", p.at, p.until, p.until IS NULL");
	if (carries)
		pg_put_carried(b, t, s, "e");
}

void
pg_put_insert_planned(
    struct buf *b, const struct target *t, const struct shape *s, bool late)
{
	put_insert_select(b, t, s, false);
	buf_printf(b, " FROM " PG_PLAN "%s AS p JOIN " PG_STAGE "%s AS w "
	    "ON w.\"etl.n\" = p.n WHERE p.step IN ('late', 'insert') "
	    "AND w.\"etl.s\" = %zu AND p.until IS %sNULL", t->suffix,
	    t->suffix, s->id, late ? "NOT " : "");
}

/* The INSERT reads the rows that the UPDATE returns. So each new row is
 * inserted after the UPDATE has ended the old row, and the key never has two
 * current rows. */
void
pg_put_end_planned(struct buf *b, const struct target *t, const struct shape *s,
    bool late)
{
	buf_printf(b, "WITH e AS (UPDATE %s AS r SET %s = p.at, %s = false",
	    t->table->quoted, quote(t, t->history.to),
	    quote(t, t->history.current));
	put_now_column(b, t, t->touch);
	put_from_plan(b, t);
	put_plan_of_shape(b, t, s, "end", "r");
	put_is_current(b, t, "r", late);
	buf_str(b, " RETURNING p.n AS \"etl.n\"");
	pg_put_carried(b, t, s, "r");
	buf_str(b, ") ");
	put_insert_select(b, t, s, true);
	buf_printf(b, " FROM e JOIN " PG_PLAN "%s AS p ON p.n = e.\"etl.n\" "
	    "JOIN " PG_STAGE "%s AS w ON w.\"etl.n\" = p.n",
	    t->suffix, t->suffix);
}

void
pg_put_correct(
    struct buf *b, const struct target *t, const struct shape *s, bool late)
{
	buf_printf(b, "UPDATE %s AS r SET ", t->table->quoted);
	pg_put_assignments(b, t, s, "w", false);
	put_from_plan(b, t);
	put_plan_of_shape(b, t, s, "correct", "r");
	put_is_current(b, t, "r", late);
}

void
pg_put_seen_planned(struct buf *b, const struct target *t, bool late)
{
	buf_printf(b, "UPDATE %s AS r SET %s = pg_catalog.now()",
	    t->table->quoted, quote(t, t->seen));
	put_from_plan(b, t);
	put_plan_of_shape(b, t, NULL, "same", "r");
	put_is_current(b, t, "r", late);
}

void
pg_put_end_rows(struct buf *b, const struct target *t)
{
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = ", t->table->quoted,
	    quote(t, t->history.to));
	put_time_after(b, t, "\"etl.t\"", " OPERATOR(pg_catalog.+) 1");
	buf_printf(b, ", %s = false", quote(t, t->history.current));
	put_now_column(b, t, t->touch);
}
