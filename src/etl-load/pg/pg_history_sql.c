#include "pg/pg_history_sql.h"

#include "table/as_of.h"
#include "table/columns_sql.h"

#include <inttypes.h>

static const char *
quoted(const struct target *t, int column)
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
		buf_printf(b, "%s.%s", staged, quoted(t, t->history.from));
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
		buf_printf(b, ", %s = pg_catalog.now()", quoted(t, column));
}

void
pg_put_carried(struct buf *b, const struct target *t,
    const struct shape *s, const char *from)
{
	for (size_t c = 0; c < t->table->n; c++)
		if (history_carries(t, s, c))
			buf_printf(b, ", %s%s%s", from == NULL ? "" : from,
			    from == NULL ? "" : ".", quoted(t, (int)c));
}

void
pg_put_plan_table(struct buf *b, const struct target *t)
{
	const char *from = quoted(t, t->history.from);

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
	const char *from = quoted(t, t->history.from);

	buf_printf(b, "INSERT INTO " PG_PLAN "%s SELECT w.\"etl.n\", x.at, "
	    "c.%s, c.%s, CASE WHEN c.%s IS NULL OR c.%s "
	    "OPERATOR(pg_catalog.>) x.at THEN 'late' WHEN NOT (",
	    t->suffix, from, quoted(t, t->history.to), from, from);
	pg_put_differs(b, t, s, "c", "w");
	buf_printf(b, ") THEN 'same' WHEN c.%s OPERATOR(pg_catalog.=) x.at "
	    "THEN 'correct' ELSE 'end' END FROM (SELECT *, "
	    "pg_catalog.row_number() OVER (PARTITION BY ", from);
	sql_put_key(b, t);
	buf_printf(b, " ORDER BY \"etl.n\") AS \"etl.r\" FROM " PG_STAGE
	    "%s) AS w LEFT JOIN %s AS c ON c.%s AND ", t->suffix,
	    t->table->quoted, quoted(t, t->history.current));
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
	const char *from = quoted(t, t->history.from);
	const char *to = quoted(t, t->history.to);

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
	    quoted(t, t->history.from));
}

void
pg_put_plan_valid(
    struct buf *b, const struct target *t, const struct shape *s)
{
	buf_printf(b, "UPDATE " PG_PLAN "%s AS p SET until = r.%s, "
	    "step = CASE WHEN NOT (", t->suffix, quoted(t, t->history.to));
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
	    quoted(t, t->history.current));
}

void
pg_put_insert_history(struct buf *b, const struct target *t,
    const struct shape *s, bool carries)
{
	const struct history *h = &t->history;

	buf_printf(b, "INSERT INTO %s (", t->table->quoted);
	sql_put_columns(b, t, s, true);
	buf_printf(b, ", %s, %s, %s", quoted(t, h->from), quoted(t, h->to),
	    quoted(t, h->current));
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
	    t->table->quoted, quoted(t, t->history.to),
	    quoted(t, t->history.current));
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
	    t->table->quoted, quoted(t, t->seen));
	put_from_plan(b, t);
	put_plan_of_shape(b, t, NULL, "same", "r");
	put_is_current(b, t, "r", late);
}

void
pg_put_end_rows(struct buf *b, const struct target *t)
{
	buf_printf(b, "UPDATE %s AS \"etl.t\" SET %s = ", t->table->quoted,
	    quoted(t, t->history.to));
	put_time_after(b, t, "\"etl.t\"", " OPERATOR(pg_catalog.+) 1");
	buf_printf(b, ", %s = false", quoted(t, t->history.current));
	put_now_column(b, t, t->touch);
}
