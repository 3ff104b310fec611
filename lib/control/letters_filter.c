#include "control/letters_filter.h"

#include "control/find_by_id.h"
#include "control/letters_impl.h"

#include <string.h>

/* A condition on a row of dead_letters, in SQL. Each "$" is replaced by the
 * parameter that holds the condition's value, such as $3. */
struct condition {
	const char *sqlite;
	const char *postgresql;         /* NULL: the same as for SQLite */
};

#define OWN_BYTES "EXISTS (SELECT 1 FROM {schema}.dead_letter_attempts AS a " \
    "WHERE a.dead_letter_id = d.id AND a.raw IS NOT NULL AND "
#define OF_RUN "EXISTS (SELECT 1 FROM {schema}.dead_letter_attempts AS a " \
    "WHERE a.dead_letter_id = d.id AND "

static const struct condition
    by_id = { "d.id = $", NULL },
    by_stage = { "d.stage = $", NULL },
    by_code = { "d.code = $", NULL },
    by_pipeline = { "coalesce(d.pipeline, '') = $", NULL },
    by_stream = { "coalesce(d.stream, '') = $", NULL },
    by_target = { "coalesce(d.target, '') = $", NULL },
    by_status = { "d.status = $", NULL },
    by_since = { "d.last_seen_at >= $", NULL },
    by_until = { "d.last_seen_at < $", NULL },
    by_closed = { "coalesce(d.resolved_at, d.last_seen_at) < $", NULL },
    by_attempts = { "d.attempts < $", NULL },
    by_row = { OF_RUN "a.pipeline_run_id = $)", NULL },
    by_run = { OF_RUN "substr(a.occurrence, 1, length($)) = $)",
	OF_RUN "pg_catalog.starts_with(a.occurrence, $))" },
    by_pointer = { "(d.pointer = $ OR "
	"substr(d.pointer, 1, length($) + 1) = $ || '/')",
	"(d.pointer = $ OR "
	"pg_catalog.starts_with(d.pointer, $::text || '/'))" },
    by_like = { "(instr(d.error_message, $) > 0 OR "
	"instr(d.raw, CAST($ AS BLOB)) > 0 OR " OWN_BYTES
	"instr(a.raw, CAST($ AS BLOB)) > 0))",
	"(position($::text IN d.error_message) > 0 OR "
	"position(pg_catalog.convert_to($, 'UTF8') IN d.raw) > 0 OR " OWN_BYTES
	"position(pg_catalog.convert_to($, 'UTF8') IN a.raw) > 0))" };

size_t
where_add(struct where *w, struct db_value v)
{
	w->v[w->n] = v;
	return ++w->n;
}

/* Adds a condition on the value; nothing if it is NULL. */
static void
add_condition(struct where *w, const struct db *db, const struct condition *c,
    struct db_value v)
{
	const char *p = c->postgresql != NULL &&
	    db_kind(db) == DB_POSTGRESQL ? c->postgresql : c->sqlite;
	size_t n;

	if (v.type == DB_NULL)
		return;
	n = where_add(w, v);
	buf_str(&w->sql, " AND ");
	for (; *p != '\0'; p++) {
		p += db_put_schema(db, &w->sql, p);
		buf_char(&w->sql, *p);
		if (*p == '$')
			buf_printf(&w->sql, "%zu", n);
	}
}

/* Returns the number as a value, or NULL if it is not above 0. */
static struct db_value
optional_number(int64_t n)
{
	return n > 0 ? DB_I(n) : db_text(NULL);
}

static void
add_ids_condition(struct where *w, const int64_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(&w->sql, "%s%lld", i == 0 ? " AND d.id IN (" : ", ",
		    (long long)ids[i]);
	if (n > 0)
		buf_char(&w->sql, ')');
}

static void
add_filter(struct where *w, struct db *db, const struct letter_filter *f,
    int64_t id)
{
	add_condition(w, db, &by_id, optional_number(id));
	add_condition(w, db, &by_status, db_text(f->status));
	add_condition(w, db, &by_stage, db_text(f->stage));
	add_condition(w, db, &by_code, db_text(f->code));
	add_condition(w, db, &by_pipeline, db_text(f->pipeline));
	add_condition(w, db, &by_stream, db_text(f->stream));
	add_condition(w, db, &by_target, db_text(f->target));
	add_condition(w, db, &by_since, db_text(f->since));
	add_condition(w, db, &by_until, db_text(f->until));
	add_condition(w, db, &by_closed, db_text(f->closed));
	add_condition(w, db, &by_attempts, optional_number(f->attempts));
	add_condition(w, db, &by_row, optional_number(f->run_row));
	add_condition(w, db, &by_run, db_text(f->run));
	add_condition(w, db, &by_pointer, db_text(f->pointer));
	add_condition(w, db, &by_like, db_text(f->like));
	add_ids_condition(w, f->ids, f->nids);
	if (f->not_open)
		buf_str(&w->sql, " AND d.status <> 'open'");
}

int
where_begin(struct where *w, struct db *db, enum sql_id script,
    const struct db_value *own, size_t n, const struct letter_filter *f,
    struct err *e)
{
	static const char mark[] = "WHERE true";
	const char *text = db_sql(db, script), *at = strstr(text, mark);
	int64_t id = 0;

	*w = (struct where){ 0 };
	buf_init(&w->sql, SIZE_MAX / 4);
	if (at == NULL)
		return err_bug(e, "no \"WHERE true\" in the statement: %s",
		    text);
	if (f->id != NULL && letter_find_row(db, f->id, &id, e) == -1)
		return -1;
	while (w->n < n) {
		w->v[w->n] = own[w->n];
		w->n++;
	}
	w->rest = at + sizeof(mark) - 1;
	buf_add(&w->sql, text, (size_t)(w->rest - text));
	add_filter(w, db, f, id);
	return 0;
}

const char *
where_finish(struct where *w, struct err *e)
{
	buf_str(&w->sql, w->rest);
	return buf_finish(&w->sql, e);
}

void
where_release(struct where *w)
{
	buf_release(&w->sql);
}

int
letters_query(struct db *db, struct db_rows **r, enum sql_id script,
    const struct db_value *own, size_t n, const struct letter_filter *f,
    struct err *e)
{
	const char *text = NULL;
	struct where w;
	int rc = -1;

	if (where_begin(&w, db, script, own, n, f, e) == 0 &&
	    (text = where_finish(&w, e)) != NULL)
		rc = db_query(db, r, text, w.v, w.n, e);
	where_release(&w);
	return rc;
}

int
letters_run(struct db *db, enum sql_id script, const struct db_value *own,
    size_t n, const struct letter_filter *f, int64_t *changed, struct err *e)
{
	const char *text = NULL;
	struct where w;
	int rc = -1;

	if (where_begin(&w, db, script, own, n, f, e) == 0 &&
	    (text = where_finish(&w, e)) != NULL)
		rc = db_run(db, text, w.v, w.n, changed, e);
	where_release(&w);
	return rc;
}

int
letter_filter_run(struct db *db, struct letter_filter *f, struct err *e)
{
	struct db_value number, text = db_text(f->run);
	int64_t runs = 0;

	if (f->run == NULL)
		return 0;
	number = DB_I(parse_row_number(f->run));
	if (number.i > 0 && db_query_int(db, db_sql(db, SQL_STATUS_BY_NUMBER),
	    &number, 1, 0, &f->run_row, e) == -1)
		return -1;
	if (f->run_row != 0) {
		f->run = NULL;
		return 0;
	}
	if (db_query_int(db, db_sql(db, SQL_LETTERS_RUNS), &text, 1, 0, &runs,
	    e) == -1)
		return -1;
	return runs < 2 ? 0 : err_set(e, ERR_USAGE, false, "--run %s: the "
	    "uuids of several runs start with this: give more of the uuid",
	    f->run);
}
