#include "sqlite/sqlite_sql.h"

#include "columns_sql.h"
#include "sqlite/sqlite_history.h"
#include "target.h"

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

/* The numbers of the parameters that follow those of the shape's columns. */
enum { NOW = 1, AT, FROM, TO, CURRENT };

static const char *
quoted(const struct target *t, int column)
{
	return t->table->columns[column].quoted;
}

static void
put_select(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *or = "";

	buf_printf(b, "SELECT %s, %s, ", quoted(t, t->history.from),
	    quoted(t, t->history.to));
	for (size_t i = 0; i < s->n; i++)
		if (upsert_compares(t, s, i)) {
			buf_printf(b, "%s%s COLLATE BINARY IS NOT $%zu", or,
			    quoted(t, (int)s->columns[i]), i + 1);
			or = " OR ";
		}
	buf_printf(b, "%s FROM %s", *or == '\0' ? "0" : "", t->table->quoted);
	sqlite_put_where_key(b, t, s);
}

static void
put_select_at_time(
    struct buf *b, const struct target *t, const struct shape *s)
{
	const char *from = quoted(t, t->history.from);
	const char *to = quoted(t, t->history.to);

	put_select(b, t, s);
	buf_printf(b, " AND %s <= $%zu AND (%s IS NULL OR %s > $%zu) "
	    "ORDER BY %s DESC LIMIT 1", from, s->n + AT, to, to, s->n + AT,
	    from);
}

static void
put_select_next(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "SELECT min(%s) FROM %s", from, t->table->quoted);
	sqlite_put_where_key(b, t, s);
	buf_printf(b, " AND %s > $%zu", from, s->n + AT);
}

/* Appends WHERE and a condition: the row of the key that begins at the
 * parameter FROM. */
static void
put_where_row(struct buf *b, const struct target *t, const struct shape *s)
{
	sqlite_put_where_key(b, t, s);
	buf_printf(b, " AND %s = $%zu", quoted(t, t->history.from),
	    s->n + FROM);
}

/* Appends an INSERT. If `carries` is set, the new row copies the columns that
 * the record lacks from the row that begins at the parameter FROM. */
static void
put_insert(struct buf *b, const struct target *t, const struct shape *s,
    bool carries)
{
	int times = (t->touch != NO_COLUMN) + (t->seen != NO_COLUMN);

	buf_printf(b, "INSERT INTO %s (", t->table->quoted);
	sql_put_columns(b, t, s, true);
	buf_printf(b, ", %s, %s, %s", quoted(t, t->history.from),
	    quoted(t, t->history.to), quoted(t, t->history.current));
	for (size_t c = 0; carries && c < t->table->n; c++)
		if (history_carries(t, s, c))
			buf_printf(b, ", %s", quoted(t, (int)c));
	buf_str(b, carries ? ") SELECT " : ") VALUES (");
	for (size_t i = 0; i < s->n; i++)
		buf_printf(b, "$%zu, ", i + 1);
	for (; times > 0; times--)
		buf_printf(b, "$%zu, ", s->n + NOW);
	buf_printf(b, "$%zu, $%zu, $%zu", s->n + AT, s->n + TO, s->n + CURRENT);
	if (!carries) {
		buf_char(b, ')');
		return;
	}
	for (size_t c = 0; c < t->table->n; c++)
		if (history_carries(t, s, c))
			buf_printf(b, ", %s", quoted(t, (int)c));
	buf_printf(b, " FROM %s", t->table->quoted);
	put_where_row(b, t, s);
	buf_str(b, " LIMIT 1");
}

/* Appends nothing if there is no such column. */
static void
put_time_column(struct buf *b, const struct target *t, int column,
    const struct shape *s, const char *before)
{
	if (column != NO_COLUMN)
		buf_printf(b, "%s%s = $%zu", before, quoted(t, column),
		    s->n + NOW);
}

static void
put_correct(struct buf *b, const struct target *t, const struct shape *s)
{
	const char *comma = "";

	buf_printf(b, "UPDATE %s SET ", t->table->quoted);
	for (size_t i = 0; i < s->n; i++)
		if (!t->is_key[s->columns[i]]) {
			buf_printf(b, "%s%s = $%zu", comma,
			    quoted(t, (int)s->columns[i]), i + 1);
			comma = ", ";
		}
	put_time_column(b, t, t->touch, s, ", ");
	put_time_column(b, t, t->seen, s, ", ");
	put_where_row(b, t, s);
}

void
lite_put_history_sql(struct buf *b, const struct target *t,
    const struct shape *s, enum lite_history_sql sql)
{
	switch (sql) {
	case LITE_FIND_CURRENT:
		put_select(b, t, s);
		buf_printf(b, " AND (%s)", t->history.current_where);
		break;
	case LITE_FIND_AT_TIME:
		put_select_at_time(b, t, s);
		break;
	case LITE_FIND_NEXT:
		put_select_next(b, t, s);
		break;
	case LITE_INSERT:
	case LITE_INSERT_AFTER:
		put_insert(b, t, s, sql == LITE_INSERT_AFTER);
		break;
	case LITE_CORRECT:
		put_correct(b, t, s);
		break;
	case LITE_END:
		buf_printf(b, "UPDATE %s SET %s = $%zu, %s = 0",
		    t->table->quoted, quoted(t, t->history.to), s->n + AT,
		    quoted(t, t->history.current));
		put_time_column(b, t, t->touch, s, ", ");
		put_where_row(b, t, s);
		break;
	case LITE_SET_SEEN:
		buf_printf(b, "UPDATE %s SET", t->table->quoted);
		put_time_column(b, t, t->seen, s, " ");
		put_where_row(b, t, s);
	}
}

void
lite_put_end_rows(struct buf *b, const struct target *t)
{
	const char *from = quoted(t, t->history.from);
	bool days = t->history.digits == AS_OF_DAYS;
	const char *now = days ? "substr($1, 1, 10)" : "$1";

	buf_printf(b, "UPDATE %s AS t SET %s = CASE WHEN t.%s < %s THEN %s "
	    "ELSE strftime('%s', t.%s, '+1 %s') END, %s = 0",
	    t->table->quoted, quoted(t, t->history.to), from, now, now,
	    days ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%S.000000Z", from,
	    days ? "day" : "second", quoted(t, t->history.current));
	if (t->touch != NO_COLUMN)
		buf_printf(b, ", %s = $1", quoted(t, t->touch));
}
