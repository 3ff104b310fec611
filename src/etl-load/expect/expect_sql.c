#include "expect/expect_sql.h"

#include "base/buf.h"

#include <inttypes.h>

static const char *
count(enum db_kind kind)
{
	return kind == DB_SQLITE ? "count(*)" : "pg_catalog.count(*)";
}

void
expect_put_null(struct buf *b, enum db_kind kind,
    const struct column *c, const char *rows)
{
	buf_printf(b, "SELECT %s, %s FILTER (WHERE \"etl.t\".%s IS NULL), "
	    "'' %s",
	    count(kind), count(kind), c->quoted, rows);
}

/* Ignores rows with NULL in one of the columns: as in a unique index, such a
 * row equals no other row. */
void
expect_put_unique(struct buf *b, enum db_kind kind, const struct target *t,
    const size_t *columns, size_t n, const char *rows)
{
	buf_printf(b, "SELECT %s FROM (SELECT 1 AS one %s", count(kind), rows);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, " AND \"etl.t\".%s IS NOT NULL",
		    t->table->columns[columns[i]].quoted);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s\"etl.t\".%s", i == 0 ? " GROUP BY " : ", ",
		    t->table->columns[columns[i]].quoted);
	buf_printf(b, " HAVING %s > 1) AS d", count(kind));
}

/* SQLite keeps times as texts or numbers. julianday() makes both comparable,
 * and returns NULL for a value that is no time. A number is compared as a
 * number, also in a column without a type. */
static void
put_sqlite_extreme(struct buf *b, const struct expectation *x,
    const struct column *c, const char *rows, const char *order)
{
	bool now = x->unit == EXPECT_NOW;
	const char *head = now ? "julianday(" : "";
	const char *tail = now ? ", 'auto')" : "";

	buf_printf(b, "SELECT CAST(\"etl.t\".%s AS TEXT), "
	    "%s\"etl.t\".%s%s %s ",
	    c->quoted, head, c->quoted, tail, x->operator);
	if (now)
		buf_printf(b, "julianday('now', '%+.3f seconds')",
		    (double)x->offset / 1000);
	else
		buf_printf(b, "CASE WHEN typeof(\"etl.t\".%s) IN ('integer', "
		    "'real') THEN CAST($1 AS NUMERIC) ELSE $1 END", c->quoted);
	buf_printf(b, ", typeof(\"etl.t\".%s) %s AND \"etl.t\".%s IS NOT NULL "
	    "ORDER BY %s\"etl.t\".%s%s%s NULLS FIRST LIMIT 1", c->quoted,
	    rows, c->quoted, head, c->quoted, tail, order);
}

static void
put_pg_extreme(struct buf *b, const struct expectation *x,
    const struct column *c, const char *rows, const char *order)
{
	buf_printf(b, "SELECT \"etl.t\".%s::text, (\"etl.t\".%s "
	    "OPERATOR(pg_catalog.%s) ", c->quoted, c->quoted, x->operator);
	if (x->unit == EXPECT_NOW)
		buf_printf(b, "(pg_catalog.now() OPERATOR(pg_catalog.+) "
		    "interval '%" PRId64 " ms')", x->offset);
	else
		buf_str(b, "$1");
	buf_printf(b, ")::int, '' %s AND \"etl.t\".%s IS NOT NULL "
	    "ORDER BY \"etl.t\".%s%s LIMIT 1", rows, c->quoted, c->quoted,
	    order);
}

void
expect_put_extreme(struct buf *b, enum db_kind kind,
    const struct expectation *x, const struct column *c, const char *rows)
{
	(kind == DB_SQLITE ? put_sqlite_extreme : put_pg_extreme)(
	    b, x, c, rows, x->figure == EXPECT_MAX ? " DESC" : "");
}
