#include "sqlite/sqlite_history_sql.h"

#include "sqlite/sqlite_sql.h"
#include "table/columns_sql.h"

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
