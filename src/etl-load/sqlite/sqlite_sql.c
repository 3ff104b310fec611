#include "sqlite/sqlite_sql.h"

#include "sqlite/sqlite_history.h"
#include "table/columns_sql.h"
#include "table/soft_delete.h"

#include <strings.h>

/* SQLite does not report how many rows a view has stored. With RETURNING, an
 * INSERT into a view returns no row if a trigger has left the record out by
 * RAISE(IGNORE). */
static void
put_view_returning(struct buf *b, const struct target *t)
{
	if (t->table->view)
		buf_str(b, " RETURNING 1");
}

static bool
sets_time(const struct target *t)
{
	return t->touch != NO_COLUMN || t->seen != NO_COLUMN;
}

/* Appends ($1, $2, ...), the row of one record. Its first parameter is number
 * first + 1. */
static void
put_parameters(struct buf *b, const struct target *t, const struct shape *s,
    size_t first)
{
	const char *before = "(";

	for (size_t i = 0; i < s->n; i++, before = ", ")
		buf_printf(b, "%s$%zu", before, first + i + 1);
	for (int i = 0; i < (t->touch != NO_COLUMN) + (t->seen != NO_COLUMN);
	    i++, before = ", ")
		buf_printf(b, "%s$%zu", before, first + s->n + 1);
	if (t->soft_delete != NO_COLUMN)
		buf_printf(b, ", %s", soft_delete_live(t));
	buf_char(b, ')');
}

size_t
sqlite_max_values(const struct target *t)
{
	return t->table->n + t->nkey + LITE_HISTORY_VALUES;
}

/* OR FAIL and OR ABORT override the ON CONFLICT clauses of the table's
 * definition, which could replace rows or leave records out. */
void
sqlite_put_insert_group(struct buf *b, const struct target *t,
    const struct shape *s, size_t n, bool aborts)
{
	buf_printf(b, "INSERT OR %s INTO %s (", aborts ? "ABORT" : "FAIL",
	    t->table->quoted);
	sql_put_columns(b, t, s, true);
	buf_str(b, ") VALUES ");
	for (size_t i = 0; i < n; i++) {
		buf_str(b, i > 0 ? ", " : "");
		put_parameters(b, t, s, i * sqlite_max_values(t));
	}
}

void
sqlite_put_insert(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "INSERT INTO %s", t->table->quoted);
	if (s->n == 0 && !sets_time(t)) {
		buf_str(b, " DEFAULT VALUES");
		put_view_returning(b, t);
		return;
	}
	buf_str(b, " (");
	sql_put_columns(b, t, s, true);
	buf_str(b, ") VALUES ");
	put_parameters(b, t, s, 0);
	if (t->mode->keyed) {
		buf_str(b, " ON CONFLICT (");
		sql_put_key(b, t);
		buf_str(b, ") DO NOTHING");
	}
	put_view_returning(b, t);
}

size_t
sqlite_get_parameter(const struct shape *s, size_t column)
{
	size_t i = 0;

	while (s->columns[i] != column)
		i++;
	return i + 1;
}

void
sqlite_put_where_key(
    struct buf *b, const struct target *t, const struct shape *s)
{
	for (size_t i = 0; i < t->nkey; i++)
		buf_printf(b, "%s%s = $%zu", i > 0 ? " AND " : " WHERE ",
		    t->table->columns[t->key[i]].quoted,
		    sqlite_get_parameter(s, t->key[i]));
}

/* Appends nothing if there is no such column. */
static void
put_set_time(struct buf *b, const struct target *t, int column,
    size_t time_parameter, const char **comma)
{
	if (column == NO_COLUMN)
		return;
	buf_printf(b, "%s%s = $%zu", *comma, t->table->columns[column].quoted,
	    time_parameter);
	*comma = ", ";
}

void
sqlite_put_mark_deleted(
    struct buf *b, const struct target *t, size_t time_parameter)
{
	const char *column = t->table->columns[t->soft_delete].quoted;
	const char *comma = ", ";

	if (t->mark == MARK_TRUE)
		buf_printf(b, "%s = true", column);
	else if (t->mark == MARK_DATE)
		buf_printf(b, "%s = substr($%zu, 1, 10)", column,
		    time_parameter);
	else
		buf_printf(b, "%s = $%zu", column, time_parameter);
	put_set_time(b, t, t->touch, time_parameter, &comma);
}

void
sqlite_put_row_differs(struct buf *b, const struct target *t,
    const struct shape *s, bool key_too)
{
	const char *or = "";

	if (!key_too && !shape_can_change(t, s))
		buf_char(b, '0');

	for (size_t i = 0; i < s->n; i++) {
		if (!upsert_compares(t, s, i) &&
		    !(key_too && t->is_key[s->columns[i]]))
			continue;
		buf_printf(b, "%s%s COLLATE BINARY IS NOT $%zu", or,
		    t->table->columns[s->columns[i]].quoted, i + 1);
		or = " OR ";
	}
	if (t->soft_delete != NO_COLUMN) {
		buf_str(b, or);
		soft_delete_put_marked(b, t, "");
	}
}

/* Appends UPDATE t SET "a" = $1, ...: the columns of the key too if key_too is
 * true. */
static void
put_update_set(struct buf *b, const struct target *t, const struct shape *s,
    bool key_too)
{
	const struct column *c = t->table->columns;
	const char *comma = "";

	buf_printf(b, "UPDATE %s SET ", t->table->quoted);
	for (size_t i = 0; i < s->n; i++) {
		if (t->is_key[s->columns[i]] && !key_too)
			continue;
		buf_printf(b, "%s%s = $%zu", comma,
		    c[s->columns[i]].quoted, i + 1);
		comma = ", ";
	}
	put_set_time(b, t, t->touch, s->n + 1, &comma);
	put_set_time(b, t, t->seen, s->n + 1, &comma);
	if (t->soft_delete != NO_COLUMN)
		buf_printf(b, "%s%s = %s", comma, c[t->soft_delete].quoted,
		    soft_delete_live(t));
}

void
sqlite_put_update(struct buf *b, const struct target *t, const struct shape *s)
{
	put_update_set(b, t, s, false);
	sqlite_put_where_key(b, t, s);
	buf_str(b, " AND (");
	sqlite_put_row_differs(b, t, s, false);
	buf_str(b, ")");
}

void
sqlite_put_seen(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *comma = "";

	buf_printf(b, "UPDATE %s SET ", t->table->quoted);
	put_set_time(b, t, t->seen, s->n + 1, &comma);
	sqlite_put_where_key(b, t, s);
}

void
sqlite_put_find(struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "SELECT 1 FROM %s", t->table->quoted);
	sqlite_put_where_key(b, t, s);
}

void
sqlite_put_delete(struct buf *b, const struct target *t, const struct shape *s)
{
	if (t->soft_delete == NO_COLUMN) {
		buf_printf(b, "DELETE FROM %s", t->table->quoted);
		sqlite_put_where_key(b, t, s);
		return;
	}
	buf_printf(b, "UPDATE %s SET ", t->table->quoted);
	sqlite_put_mark_deleted(b, t, s->n + 1);
	sqlite_put_where_key(b, t, s);
	buf_str(b, " AND NOT (");
	soft_delete_put_marked(b, t, "");
	buf_str(b, ")");
}

void
sqlite_put_where_old(struct buf *b, const struct target *t,
    const struct shape *s)
{
	for (size_t i = 0; i < t->nkey; i++)
		buf_printf(b, "%s%s = $%zu", i > 0 ? " AND " : " WHERE ",
		    t->table->columns[t->key[i]].quoted, s->n + 2 + i);
}

void
sqlite_put_move(struct buf *b, const struct target *t, const struct shape *s)
{
	put_update_set(b, t, s, true);
	sqlite_put_where_old(b, t, s);
	buf_str(b, " AND (");
	sqlite_put_row_differs(b, t, s, true);
	buf_str(b, ")");
}

void
sqlite_put_find_old(struct buf *b, const struct target *t,
    const struct shape *s)
{
	buf_printf(b, "SELECT 1 FROM %s", t->table->quoted);
	sqlite_put_where_old(b, t, s);
}

const char *
sqlite_find_rowid(const struct table *t)
{
	static const char *const names[] = { "rowid", "_rowid_", "oid", NULL };
	size_t i = 0, c = 0;

	while (names[i] != NULL && c < t->n)
		if (strcasecmp(t->columns[c++].name, names[i]) == 0) {
			i++;
			c = 0;
		}
	return names[i];
}
