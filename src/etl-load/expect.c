#include "expect.h"

#include "base/buf.h"
#include "base/text.h"
#include "commit.h"
#include "control/runs.h"
#include "loader.h"
#include "phase.h"
#include "target.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum expect_figure {
	EXPECT_ROWS, EXPECT_REJECTED, EXPECT_NULL, EXPECT_UNIQUE, EXPECT_MIN,
	EXPECT_MAX
};

enum expect_unit {
	EXPECT_NUMBER,          /* rows>=100 */
	EXPECT_PERCENT,         /* rejected<1% */
	EXPECT_USUAL,           /* rows>=0.5*usual */
	EXPECT_NOW,             /* max(at)>=now-1d */
	EXPECT_VALUE            /* max(id)<1000 */
};

struct expectation {
	const char *text;       /* as the user wrote it */
	enum expect_figure figure;
	const char *operator;   /* of SQL: = <> < <= > >= */
	enum expect_unit unit;
	double number;
	int64_t offset;         /* EXPECT_NOW: milliseconds that are added */
	char *columns;          /* in the parentheses; NULL: none */
	char *value;            /* EXPECT_VALUE */
};

struct expect {
	struct expectation *v;
	size_t n;
	bool columns;           /* at least one test is about columns */
};

static const struct figure {
	const char *name;
	bool takes_columns, compares;
	unsigned units;         /* a bit for each unit that it may have */
} figures[] = {
	[EXPECT_ROWS] = { "rows", false, true,
	    1 << EXPECT_NUMBER | 1 << EXPECT_USUAL },
	[EXPECT_REJECTED] = { "rejected", false, true,
	    1 << EXPECT_NUMBER | 1 << EXPECT_PERCENT },
	[EXPECT_NULL] = { "null", true, true,
	    1 << EXPECT_NUMBER | 1 << EXPECT_PERCENT },
	[EXPECT_UNIQUE] = { "unique", true, false, 0 },
	[EXPECT_MIN] = { "min", true, true,
	    1 << EXPECT_NOW | 1 << EXPECT_VALUE },
	[EXPECT_MAX] = { "max", true, true,
	    1 << EXPECT_NOW | 1 << EXPECT_VALUE },
};
enum { FIGURES = sizeof(figures) / sizeof(figures[0]) };

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static int
fail_test(const struct expectation *x, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, false, "--expect %s: %s: write, for "
	    "example, rows>=100, rows>=0.5*usual, rejected<1%%, "
	    "null(COLUMN)<5%%, unique(COLUMN,COLUMN) or max(COLUMN)>=now-1d",
	    x->text, why);
}

/* Reads the first part of a test, such as null(email) of null(email)<5%, into
 * *x. Returns the position of the operator, here <, or NULL with *e. */
static const char *
read_figure(struct expectation *x, struct err *e)
{
	const char *p = skip_blanks(x->text), *end;
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz"), i = 0;

	while (i < FIGURES && (strlen(figures[i].name) != n ||
	    strncmp(figures[i].name, p, n) != 0))
		i++;
	if (i == FIGURES) {
		(void)fail_test(x, "it does not begin with rows, rejected, "
		    "null, unique, min or max", e);
		return NULL;
	}
	x->figure = (enum expect_figure)i;
	p = skip_blanks(p + n);
	end = *p == '(' ? strchr(p, ')') : NULL;
	if (figures[i].takes_columns != (end != NULL) || end == p + 1) {
		(void)fail_test(x, figures[i].takes_columns ?
		    "the name of a column in parentheses is missing" :
		    "it is no test of a column", e);
		return NULL;
	}
	if (end == NULL)
		return p;
	if ((x->columns = strndup(p + 1, (size_t)(end - p - 1))) == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return skip_blanks(end + 1);
}

static const char *
read_operator(struct expectation *x, const char *p)
{
	static const char *const known[][2] = { { "<=", "<=" }, { ">=", ">=" },
	    { "!=", "<>" }, { "<>", "<>" }, { "<", "<" }, { ">", ">" },
	    { "=", "=" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(p, known[i][0], strlen(known[i][0])) == 0) {
			x->operator = known[i][1];
			return skip_blanks(p + strlen(known[i][0]));
		}
	return NULL;
}

/* Reads 100, 5%, 0.5*usual or usual. */
static bool
read_number(struct expectation *x)
{
	char *end = x->value;

	x->number = 1;
	x->unit = EXPECT_NUMBER;
	if (isdigit((unsigned char)*end)) {
		x->number = strtod(x->value, &end);
		if (strspn(x->value, "0123456789.") <
		    (size_t)(end - x->value))
			return false;   /* 0x10, 1e5 */
		end += strspn(end, " ");
		if (*end == '\0')
			return true;
		if (strcmp(end, "%") == 0) {
			x->unit = EXPECT_PERCENT;
			return true;
		}
		if (*end++ != '*')
			return false;
		end += strspn(end, " ");
	}
	x->unit = EXPECT_USUAL;
	return strcmp(end, "usual") == 0;
}

/* Reads x->value. The forms now, now-1d and now+2h are times. Any other text is
 * a value that is compared with those of the column. Returns false for now+ or
 * now- without a duration. */
static bool
read_operand(struct expectation *x)
{
	const char *p = x->value;
	uint64_t ms;
	bool before;

	x->unit = EXPECT_VALUE;
	if (strncmp(p, "now", 3) != 0)
		return true;
	p = skip_blanks(p + 3);
	if (*p == '\0') {
		x->unit = EXPECT_NOW;
		return true;
	}
	before = *p == '-';
	if (*p != '-' && *p != '+')
		return true;    /* a text that begins with "now" */
	if (duration_parse(&ms, skip_blanks(p + 1)) == -1 || ms > INT64_MAX)
		return false;
	x->unit = EXPECT_NOW;
	x->offset = before ? -(int64_t)ms : (int64_t)ms;
	return true;
}

static int
read_value(struct expectation *x, const char *p, struct err *e)
{
	const struct figure *f = &figures[x->figure];
	size_t n = strlen(p);

	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	if (n == 0)
		return fail_test(x, "there is nothing to compare with", e);
	if ((x->value = strndup(p, n)) == NULL)
		return err_nomem(e);
	if (!((f->units & 1 << EXPECT_NOW) != 0 ? read_operand :
	    read_number)(x) || (f->units & 1U << x->unit) == 0)
		return fail_test(x, "it cannot be compared with this", e);
	return 0;
}

static int
parse_test(struct expectation *x, struct err *e)
{
	const char *p = read_figure(x, e);

	if (p == NULL)
		return -1;
	if (!figures[x->figure].compares)
		return *p == '\0' ? 0 :
		    fail_test(x, "nothing may follow unique()", e);
	if ((p = read_operator(x, p)) == NULL)
		return fail_test(x, "an operator is missing: one of < <= > >= "
		    "= !=", e);
	return read_value(x, p, e);
}

int
expect_parse(struct expect **out, const struct opt_list *tests, struct err *e)
{
	struct expect *x;

	*out = NULL;
	if (tests->n == 0)
		return 0;
	if ((x = calloc(1, sizeof(*x))) == NULL)
		return err_nomem(e);
	*out = x;
	if ((x->v = calloc(tests->n, sizeof(*x->v))) == NULL)
		return err_nomem(e);
	for (; x->n < tests->n; x->n++) {
		x->v[x->n].text = tests->v[x->n];
		if (parse_test(&x->v[x->n], e) == -1) {
			x->n++;         /* it may own texts */
			return -1;
		}
		x->columns |= x->v[x->n].columns != NULL;
	}
	return 0;
}

void
expect_free(struct expect *x)
{
	for (size_t i = 0; x != NULL && i < x->n; i++) {
		free(x->v[i].columns);
		free(x->v[i].value);
	}
	if (x != NULL)
		free(x->v);
	free(x);
}

/* True if the comparison of the test holds for the figure `is`. In rows>=100,
 * for example, `wanted` is 100 and the operator is >=. */
static bool
expect_compare(const struct expectation *x, double is, double wanted)
{
	const char *o = x->operator;

	if (strcmp(o, "=") == 0 || strcmp(o, "<>") == 0)
		return (is == wanted) == (*o == '=');
	if (is == wanted)
		return o[1] == '=';
	return (is < wanted) == (*o == '<');
}

static const char *
count(enum db_kind kind)
{
	return kind == DB_SQLITE ? "count(*)" : "pg_catalog.count(*)";
}

/* The query returns how many rows there are, how many of them have NULL in the
 * column, and an empty text. */
static void
expect_put_null(struct buf *b, enum db_kind kind,
    const struct column *c, const char *rows)
{
	buf_printf(b, "SELECT %s, %s FILTER (WHERE \"etl.t\".%s IS NULL), "
	    "'' %s",
	    count(kind), count(kind), c->quoted, rows);
}

/* The query returns how many different values occur more than once. Ignores
 * rows with NULL in one of the columns: as in a unique index, such a row equals
 * no other row. */
static void
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

/* The query returns the lowest or the highest value as a text, and 1 if the
 * test holds for this value, else 0. If x->unit is EXPECT_VALUE, the parameter
 * $1 is the value that the test compares with. The third column is typeof() of
 * the value on SQLite, and an empty text on PostgreSQL. If the test is about
 * times, a value of SQLite that is no time comes first, with NULL in place of 1
 * or 0. */
static void
expect_put_extreme(struct buf *b, enum db_kind kind,
    const struct expectation *x, const struct column *c, const char *rows)
{
	(kind == DB_SQLITE ? put_sqlite_extreme : put_pg_extreme)(
	    b, x, c, rows, x->figure == EXPECT_MAX ? " DESC" : "");
}

/* What a test has found. */
struct found {
	bool holds;
	char is[256];           /* the figure, for the message */
};

static double
percent(uint64_t n, uint64_t of)
{
	return of == 0 ? 0 : 100.0 * (double)n / (double)of;
}

/* Judges n or, if the unit is percent, n as a part of `of`. */
static void
judge_number(const struct expectation *x, uint64_t n, uint64_t of,
    const char *what, struct found *f)
{
	bool part = x->unit == EXPECT_PERCENT;

	f->holds = expect_compare(
	    x, part ? percent(n, of) : (double)n, x->number);
	(void)snprintf(f->is, sizeof(f->is), "%llu of %llu %s (%.4g%%)",
	    (unsigned long long)n, (unsigned long long)of, what,
	    percent(n, of));
}

/* Tests the number of rows against the usual number, the median of earlier
 * runs. Only warns, and tests nothing, if there were too few runs. */
static int
judge_usual(struct loader *l, const struct expectation *x, uint64_t rows,
    struct found *f, struct err *e)
{
	const char *pipeline = getenv("ETL_PIPELINE");
	struct usual_rows u = { 0 };

	f->holds = true;
	if (l->run == NULL || pipeline == NULL) {
		err_warnf("etl-load", "--expect %s was not tested: usual is "
		    "known only inside etl-run", x->text);
		return 0;
	}
	if (usual_rows_read(&u, l->db, pipeline, loader_get_name(l), e) == -1)
		return -1;
	if (u.runs < USUAL_RUNS_LEAST) {
		err_warnf("etl-load", "--expect %s was not tested: %zu "
		    "successful runs have loaded the table, and usual needs "
		    "%d", x->text, u.runs, USUAL_RUNS_LEAST);
		return 0;
	}
	f->holds = expect_compare(x, (double)rows, x->number * u.median);
	(void)snprintf(f->is, sizeof(f->is), "the load wrote %llu rows, and "
	    "usual is %.10g (the median of %zu runs)",
	    (unsigned long long)rows, u.median, u.runs);
	return 0;
}

static int
judge_rows(struct loader *l, const struct expectation *x, struct found *f,
    struct err *e)
{
	const struct sums t = loader_sum_batch(l);
	uint64_t rows = t.inserted + t.updated + t.unchanged;

	if (x->unit == EXPECT_USUAL)
		return judge_usual(l, x, rows, f, e);
	f->holds = expect_compare(x, (double)rows, x->number);
	(void)snprintf(f->is, sizeof(f->is), "the load wrote %llu row%s",
	    (unsigned long long)rows, rows == 1 ? "" : "s");
	return 0;
}

/* The row that a query returns. */
struct answer {
	int64_t n[2];           /* the first two columns */
	bool null;              /* the second column is NULL */
	char text[128];         /* the first column, if it is a text */
	char stored[16];        /* the third column */
	bool any;               /* there was a row */
};

static void
copy_text(char *to, size_t size, const struct db_value *v)
{
	if (v->type == DB_TEXT)
		(void)snprintf(to, size, "%.*s",
		    (int)text_cut_length(v->p, v->len, size - 1), v->p);
}

static int
read_answer(struct loader *l, struct buf *sql, const struct db_value *v,
    size_t nv, struct answer *a, struct err *e)
{
	struct db_rows *r;
	const char *text = buf_finish(sql, e);
	struct db_value c[3];
	int rc;

	*a = (struct answer){ 0 };
	if (text == NULL || db_query(l->db, &r, text, v, nv, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		a->any = true;
		for (size_t i = 0; i < 3; i++)
			c[i] = db_column(r, i);
		a->n[0] = c[0].i;
		a->n[1] = c[1].i;
		a->null = c[1].type == DB_NULL;
		copy_text(a->text, sizeof(a->text), &c[0]);
		copy_text(a->stored, sizeof(a->stored), &c[2]);
	}
	db_end(r);
	return rc;
}

/* Returns the end of a message: it says what was committed. */
static const char *
say_committed(const struct loader *l)
{
	return l->totals.in > 0 ? "nothing of this stream was committed, but "
	    "the streams before it are loaded" :
	    "nothing of this load was committed";
}

/* Fails if SQLite would compare the value of the test and the value *a of the
 * column, or the values of the column's type, by their storage classes. */
static int
check_types(const struct loader *l, const struct expectation *x,
    const struct column *c, const struct answer *a, struct err *e)
{
	const struct sink_written *w = l->sink->written;

	if (x->unit != EXPECT_VALUE || w->compares_by_type == NULL ||
	    w->compares_by_type(c, x->value, a->any ? a->stored : NULL))
		return 0;
	if (w->compares_by_type(c, x->value, NULL))
		return err_set(e, ERR_CONFIG, false, "--expect %s: the column "
		    "has the value %s (%s), which cannot be compared with %s; "
		    "%s", x->text, a->text, a->stored, x->value,
		    say_committed(l));
	return err_set(e, ERR_CONFIG, false, "--expect %s: column %s has the "
	    "type %s, and no value of this type can be compared with %s",
	    x->text, c->name, c->type, x->value);
}

static int
judge_extreme(struct loader *l, const struct expectation *x,
    const struct column *c, const char *rows, struct found *f, struct err *e)
{
	struct db_value v = db_text(x->value);
	struct answer a;
	struct buf sql;
	int rc;

	buf_init(&sql, SIZE_MAX / 4);
	expect_put_extreme(&sql, db_kind(l->db), x, c, rows);
	rc = read_answer(
	    l, &sql, &v, x->unit == EXPECT_VALUE ? 1 : 0, &a, e);
	buf_release(&sql);
	if (rc == 0)
		rc = check_types(l, x, c, &a, e);
	f->holds = a.any && a.n[1] == 1;
	(void)snprintf(f->is, sizeof(f->is), "%s%s", a.any ? a.text :
	    "no written row has a value there",
	    a.any && a.null ? " is no time" : "");
	return rc;
}

static int
judge_null(struct loader *l, const struct expectation *x,
    const struct column *c, const char *rows, struct found *f, struct err *e)
{
	struct answer a;
	struct buf sql;
	int rc;

	buf_init(&sql, SIZE_MAX / 4);
	expect_put_null(&sql, db_kind(l->db), c, rows);
	rc = read_answer(l, &sql, NULL, 0, &a, e);
	buf_release(&sql);
	judge_number(x, (uint64_t)a.n[1], (uint64_t)a.n[0],
	    "written rows have NULL there", f);
	return rc;
}

static int
judge_unique(struct loader *l, const struct target *t, const size_t *columns,
    size_t n, const char *rows, struct found *f, struct err *e)
{
	int64_t twice = 0;
	struct buf sql;
	int rc;

	buf_init(&sql, SIZE_MAX / 4);
	expect_put_unique(&sql, db_kind(l->db), t, columns, n, rows);
	(void)buf_text(&sql);
	rc = buf_check(&sql, e);
	if (rc == 0)
		rc = db_query_int(l->db, buf_text(&sql), NULL, 0, 0, &twice, e);
	buf_release(&sql);
	f->holds = twice == 0;
	(void)snprintf(f->is, sizeof(f->is), "%lld values come more than once "
	    "in the written rows", (long long)twice);
	return rc;
}

static int
judge_columns(struct loader *l, const struct target *target,
    const struct expectation *x, const char *rows, struct found *f,
    struct err *e)
{
	const struct table *t = target->table;
	size_t *columns = calloc(t->n + 1, sizeof(*columns)), n = 0;
	int rc = -1;

	if (columns == NULL)
		return err_nomem(e);
	if (target_find_columns(t, "--expect", x->columns, columns, &n,
	    e) == -1)
		goto out;
	if (x->figure == EXPECT_UNIQUE)
		rc = judge_unique(l, target, columns, n, rows, f, e);
	else if (n > 1)
		rc = err_set(e, ERR_USAGE, false, "--expect %s: it tests one "
		    "column, not %zu", x->text, n);
	else if (x->figure == EXPECT_NULL)
		rc = judge_null(l, x, &t->columns[columns[0]], rows, f, e);
	else
		rc = judge_extreme(l, x, &t->columns[columns[0]], rows, f, e);
out:
	free(columns);
	return rc;
}

/* If the database refuses the query of a test, the user has written a wrong
 * test: the error is then ERR_CONFIG. */
static int
judge_query(struct loader *l, const struct target *t,
    const struct expectation *x, const char *rows, struct found *f,
    struct err *e)
{
	if (judge_columns(l, t, x, rows, f, e) == 0)
		return 0;
	if (db_fault(l->db)->sqlstate[0] == '\0' || e->transient ||
	    e->code == ERR_DENIED)
		return -1;
	e->code = ERR_CONFIG;
	err_prefix(e, "--expect %s", x->text);
	return -1;
}

/* Appends the clauses FROM and WHERE, which select the rows that a test is
 * about. */
typedef void put_rows_function(
    const struct loader *l, const struct loaded_table *t, struct buf *b);

static void
put_written_rows(
    const struct loader *l, const struct loaded_table *t, struct buf *b)
{
	l->sink->written->put_rows(t->self, b);
}

static void
put_no_rows(
    const struct loader *l, const struct loaded_table *t, struct buf *b)
{
	(void)l;
	buf_printf(b, "FROM %s AS \"etl.t\" WHERE false",
	    t->target.table->quoted);
}

/* Puts the name of the tested table in front of the text that says what the
 * test has found. */
static void
prefix_figure(struct found *f, const struct table *t)
{
	char figure[sizeof(f->is)];

	memcpy(figure, f->is, sizeof(figure));
	(void)snprintf(f->is, sizeof(f->is), "table %.*s: %.*s",
	    (int)text_cut_length(t->name, strlen(t->name), 80), t->name,
	    (int)text_cut_length(figure, strlen(figure), 160), figure);
}

/* Judges the test in each table. It holds if it holds in all of them. */
static int
judge_tables(struct loader *l, const struct expectation *x,
    put_rows_function *put, struct found *f, struct err *e)
{
	struct buf rows;
	int rc = 0;

	buf_init(&rows, SIZE_MAX / 4);
	f->holds = true;
	for (size_t i = 0; i < l->ntables && rc == 0 && f->holds; i++) {
		buf_clear(&rows);
		put(l, &l->tables[i], &rows);
		(void)buf_text(&rows);
		rc = buf_check(&rows, e);
		if (rc == 0)
			rc = judge_query(l, &l->tables[i].target, x,
			    buf_text(&rows), f, e);
		if (rc == 0 && !f->holds && l->ntables > 1)
			prefix_figure(f, l->tables[i].target.table);
	}
	buf_release(&rows);
	return rc;
}

/* Runs the queries of all tests on no rows, before anything is loaded. A query
 * that the database refuses then ends the load at its start, not at its end. */
static int
try_queries(struct loader *l, struct err *e)
{
	struct found ignored;

	for (size_t i = 0; i < l->expect->n; i++)
		if (l->expect->v[i].columns != NULL &&
		    judge_tables(l, &l->expect->v[i], put_no_rows, &ignored,
			e) == -1)
			return -1;
	return 0;
}

static bool
wants(const struct loader *l)
{
	return l->expect != NULL;
}

/* Fails with ERR_CONFIG or ERR_USAGE if a test cannot be made with this table
 * or this mode. */
static int
check(struct loader *l, struct err *e)
{
	if (!l->expect->columns)
		return 0;
	if (!l->mode->written_known)
		return err_set(e, ERR_USAGE, false, "--expect: --mode %s does "
		    "not know which rows it has written, so only rows and "
		    "rejected can be tested", l->mode->name);
	for (size_t i = 0; i < l->ntables; i++)
		if (l->sink->written->check(l->tables[i].self, e) == -1)
			return -1;
	return try_queries(l, e);
}

/* From now on the sink notes the rows that it writes. */
static int
begin(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables && l->expect->columns; i++)
		if (l->sink->written->start(l->tables[i].self, e) == -1)
			return -1;
	return 0;
}

static int
judge_test(struct loader *l, const struct expectation *x, struct found *f,
    struct err *e)
{
	struct reject_tally t;

	switch (x->figure) {
	case EXPECT_ROWS:
		return judge_rows(l, x, f, e);
	case EXPECT_REJECTED:
		t = tally_with_batch(l, true);
		judge_number(x, t.rejected, t.seen, "records were rejected", f);
		return 0;
	default:
		return judge_tables(l, x, put_written_rows, f, e);
	}
}

/* Judges all tests. Fails with ERR_LIMIT if one fails. The error names the
 * first one that fails, the warnings name the others. */
static int
finish(struct loader *l, struct err *e)
{
	struct found f = { 0 };
	size_t failed = 0;

	for (size_t i = 0; i < l->expect->n; i++) {
		const struct expectation *x = &l->expect->v[i];
		struct err own;

		if (judge_test(l, x, &f, &own) == -1) {
			*e = own;
			return -1;
		}
		if (f.holds)
			continue;
		if (failed++ > 0)
			err_warnf("etl-load", "--expect %s failed too: %s",
			    x->text, f.is);
		else
			(void)err_set(e, ERR_LIMIT, false, "--expect %s "
			    "failed: %s; %s", x->text, f.is, say_committed(l));
	}
	return failed == 0 ? 0 : -1;
}

const struct phase expect_phase = {
	.wants = wants, .check = check, .begin = begin, .finish = finish,
};
