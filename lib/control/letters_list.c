#include "base/buf.h"
#include "base/stop.h"
#include "control/control.h"
#include "control/letters.h"
#include "control/letters_impl.h"

#include <stdlib.h>
#include <string.h>

/* Builds a statement from a script of sql/DIALECT/letters.sql and a filter
 * (conditions on the rows of dead_letters).
 * Borrows: the script, the filter and the values until where_release().
 * Gives: the conditions are inserted after the script's "WHERE true". Their
 *        parameters are numbered after the script's own ones. */

enum { WHERE_MAX = 24 };

struct where {
	struct buf sql;
	const char *rest;               /* the script after "WHERE true" */
	struct db_value v[WHERE_MAX];
	size_t n;
};

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

/* Adds a value and returns the number of its parameter, for example 3 for $3.
 * The caller then appends the condition with this number to w->sql. */
static size_t
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

static int
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

/* Completes the statement; no condition can be added after this. Returns NULL
 * on failure. */
static const char *
where_finish(struct where *w, struct err *e)
{
	buf_str(&w->sql, w->rest);
	return buf_finish(&w->sql, e);
}

static void
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

enum { PAGE = 128, LARGE = 1 << 20, NUMBERS = 8, TEXTS = 19,
	RAW = NUMBERS + TEXTS };

/* A dead letter of the page that the last query returned: its integer columns,
 * and for each text column the offset of the text in the buffer `text` of
 * struct letters. The offset SIZE_MAX stands for NULL. */
struct entry {
	int64_t number[NUMBERS];
	size_t text[TEXTS], raw;
};

struct letters {
	struct db *db;
	const struct letter_filter *filter;
	struct entry page[PAGE];
	size_t at, n;                   /* next and number of page entries */
	struct buf text;                /* the texts of the page */
	struct buf raw;                 /* record of one large letter */
	struct buf created; /* created_at and id of the page's last */
	int64_t id;                     /* letter: the next page starts after
	                                 * them */
	int64_t last;                   /* the highest id when letters_open()
	                                 * was called */
	uint64_t left;                  /* how many letters may still be read */
	bool is_last_page;
};

int
letters_open(struct letters **out, struct db *db,
    const struct letter_filter *f, struct err *e)
{
	struct letters *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_nomem(e);
	l->db = db;
	l->filter = f;
	l->left = f->limit > 0 ? f->limit : UINT64_MAX;
	buf_init(&l->text, SIZE_MAX / 4);
	buf_init(&l->raw, SIZE_MAX / 4);
	buf_init(&l->created, SIZE_MAX / 4);
	if ((f->id != NULL && letter_find_row(db, f->id, &l->id, e) == -1) ||
	    db_query_int(db, db_sql(db, SQL_LETTERS_LAST), NULL, 0, 0, &l->last,
	    e) == -1) {
		letters_close(l);
		return -1;
	}
	*out = l;
	return 0;
}

/* Appends a text and a NUL. Returns its offset, or SIZE_MAX for NULL. */
static size_t
add_text(struct letters *l, const struct db_value *v)
{
	size_t at = l->text.len;

	if (v->type == DB_NULL)
		return SIZE_MAX;
	buf_add(&l->text, v->p, v->len);
	buf_char(&l->text, '\0');
	return at;
}

static void
add_page_entry(struct letters *l, const struct db_rows *r)
{
	struct entry *t = &l->page[l->n++];
	struct db_value v;

	for (size_t i = 0; i < NUMBERS; i++)
		t->number[i] = db_column(r, i).i;
	for (size_t i = 0; i < TEXTS; i++) {
		v = db_column(r, NUMBERS + i);
		t->text[i] = add_text(l, &v);
	}
	v = db_column(r, RAW);
	t->raw = add_text(l, &v);
}

static int
query_letters(struct letters *l, struct db_rows **r, struct err *e)
{
	struct db_value limit = DB_I(l->left < PAGE ? (int64_t)l->left : PAGE);
	const char *text;
	struct where w;
	size_t a, b;
	int rc = where_begin(&w, l->db, SQL_LETTERS_PAGE, &limit, 1, l->filter,
	    e);

	if (rc == 0) {
		a = where_add(&w, DB_I(l->last));
		buf_printf(&w.sql, " AND d.id <= $%zu", a);
		if (l->created.len > 0) {
			a = where_add(&w, db_text(buf_text(&l->created)));
			b = where_add(&w, DB_I(l->id));
			buf_printf(&w.sql, " AND (d.created_at, d.id) > "
			    "($%zu, $%zu)", a, b);
		}
		text = where_finish(&w, e);
		rc = text == NULL ? -1 :
		    db_query(l->db, r, text, w.v, w.n, e);
	}
	where_release(&w);
	return rc;
}

/* Returns the text at an offset of add_text(), or NULL. */
static const char *
text_at(const struct letters *l, size_t at)
{
	return at == SIZE_MAX ? NULL : l->text.data + at;
}

static int
read_letters(struct letters *l, struct err *e)
{
	struct db_rows *r = NULL;
	int rc;

	l->at = l->n = 0;
	buf_clear(&l->text);
	if (query_letters(l, &r, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && l->n < PAGE)
		add_page_entry(l, r);
	db_end(r);
	if (rc == -1 || buf_check(&l->text, e) == -1)
		return -1;
	l->is_last_page = l->n < PAGE;
	l->left -= l->n;
	if (l->n == 0)
		return 0;
	l->id = l->page[l->n - 1].number[0];
	buf_clear(&l->created);
	buf_str(&l->created, text_at(l, l->page[l->n - 1].text[8]));
	return buf_check(&l->created, e);
}

static void
fill_letter(const struct letters *l, const struct entry *t, struct letter *out)
{
	const char *text[TEXTS];

	for (size_t i = 0; i < TEXTS; i++)
		text[i] = text_at(l, t->text[i]);
	*out = (struct letter){
		.id = t->number[0], .attempts = t->number[1],
		.resolved_upto = t->number[2],
		.raw_len = (size_t)t->number[3], .bytes = t->number[4],
		.http_status = (int)t->number[5],
		.retryable = t->number[6] != 0,
		.has_own_bytes = t->number[7] != 0,
		.reject_id = text[0], .stage = text[1], .code = text[2],
		.pipeline = text[3], .run = text[4], .message = text[5],
		.pointer = text[6], .origin = text[7],
		.created_at = text[8], .last_seen_at = text[9],
		.status = text[10], .sqlstate = text[11],
		.reason = text[12], .resolved_at = text[13],
		.resolved_by_run = text[14], .erased_at = text[15],
		.sha256 = text[16], .stream = text[17], .target = text[18],
		.raw = text_at(l, t->raw),
	};
}

int
letters_next(struct letters *l, struct letter *out, struct err *e)
{
	if (l->raw.cap > LARGE)
		buf_release(&l->raw);
	if (stop_signal() != 0)
		return err_set(e, ERR_RETRY, true, "stopped by a signal");
	if (l->at == l->n) {
		if (l->is_last_page || l->left == 0)
			return 0;
		if (read_letters(l, e) == -1)
			return -1;
		if (l->n == 0)
			return 0;
	}
	fill_letter(l, &l->page[l->at++], out);
	return 1;
}

int
letters_read_raw(struct letters *l, struct letter *out, struct err *e)
{
	const struct db_value v[] = { DB_I(out->id), DB_I(out->attempts) };
	int rc = 1;

	if (out->raw != NULL)
		return 1;
	buf_clear(&l->raw);
	if (!buf_reserve(&l->raw, out->raw_len))
		return buf_check(&l->raw, e);
	while (rc == 1 && l->raw.len < out->raw_len)
		rc = letters_read_raw_part(
		    l->db, SQL_LETTER_RAW, v, &l->raw, out->raw_len, e);
	if (rc != 1)
		return rc;
	out->raw = l->raw.data;
	return 1;
}

void
letters_close(struct letters *l)
{
	if (l == NULL)
		return;
	buf_release(&l->text);
	buf_release(&l->raw);
	buf_release(&l->created);
	free(l);
}

enum { TIMES = 256, BIG = 1 << 20 };

/* One occurrence of the page that was read last. Its texts are given as offsets
 * in the buffer `text` of struct letter_occurrences. */
struct row {
	int64_t number;
	size_t text[3], raw, raw_len;
	bool has_own_bytes, has_raw;    /* has_raw: raw was read, too */
};

struct letter_occurrences {
	struct db *db;
	int64_t letter;
	enum letter_occurrences_kind kind;
	int64_t skip;                   /* how many occurrences to leave out at
	                                 * the start */
	int64_t most;                   /* how many occurrences to read after
	                                 * these; TIMES_ALL and TIMES_OPEN: how
	                                 * many are left to read */
	int64_t last;                   /* number of the page's last row: the
	                                 * next page starts after it */
	struct row page[TIMES];
	size_t at, n;                   /* next and number of page rows */
	struct buf text;
	struct buf raw;                 /* large bytes of one occurrence */
	bool is_last_page;
};

int
letter_occurrences_open(struct letter_occurrences **out, struct db *db,
    const struct letter *l, enum letter_occurrences_kind kind, struct err *e)
{
	struct letter_occurrences *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	t->db = db;
	t->letter = l->id;
	t->kind = kind;
	t->skip = kind == TIMES_ALL ? 0 : l->resolved_upto;
	t->most = l->attempts - t->skip;
	buf_init(&t->text, SIZE_MAX / 4);
	buf_init(&t->raw, SIZE_MAX / 4);
	*out = t;
	return 0;
}

/* Appends bytes and a NUL, and returns their offset. */
static size_t
add_bytes(struct letter_occurrences *t, const struct db_value *v)
{
	size_t at = t->text.len;

	if (v->len > 0)
		buf_add(&t->text, v->p, v->len);
	buf_char(&t->text, '\0');
	return at;
}

static void
add_page_row(struct letter_occurrences *t, const struct db_rows *r)
{
	struct row *to = &t->page[t->n++];
	struct db_value v = db_column(r, 1);

	to->number = db_column(r, 0).i;
	to->has_own_bytes = v.type != DB_NULL;
	to->raw_len = to->has_own_bytes ? (size_t)v.i : 0;
	for (size_t i = 0; i < 3; i++) {
		v = db_column(r, 2 + i);
		to->text[i] = add_bytes(t, &v);
	}
	v = db_column(r, 5);
	to->has_raw = v.type != DB_NULL;
	to->raw = add_bytes(t, &v);
}

static int
query_times(struct letter_occurrences *t, struct db_rows **r, struct err *e)
{
	bool distinct = t->kind == TIMES_OPEN_DISTINCT;
	struct db_value v[] = { DB_I(t->letter), DB_I(t->last), DB_I(t->skip),
	    DB_I(t->most) };
	enum sql_id script = distinct ? SQL_LETTER_TIMES_DISTINCT :
	    SQL_LETTER_TIMES;

	return db_query(
	    t->db, r, db_sql(t->db, script), v, distinct ? 4 : 3, e);
}

static int
read_times(struct letter_occurrences *t, struct err *e)
{
	struct db_rows *r;
	int rc;

	t->at = t->n = 0;
	buf_clear(&t->text);
	if (query_times(t, &r, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1 && t->n < TIMES)
		add_page_row(t, r);
	db_end(r);
	if (rc == -1 || buf_check(&t->text, e) == -1)
		return -1;
	t->is_last_page = t->n < TIMES;
	if (t->n > 0)
		t->last = t->page[t->n - 1].number;
	if (t->kind != TIMES_OPEN_DISTINCT)
		t->skip = 0;
	return 0;
}

int
letter_occurrences_next(struct letter_occurrences *t,
    struct letter_occurrence *out, struct err *e)
{
	const struct row *row;

	if (stop_signal() != 0)
		return err_set(e, ERR_RETRY, true, "stopped by a signal");
	if (t->raw.cap > BIG)
		buf_release(&t->raw);
	if (t->most <= 0)
		return 0;
	if (t->at == t->n) {
		if (t->is_last_page)
			return 0;
		if (read_times(t, e) == -1)
			return -1;
		if (t->n == 0)
			return 0;
	}
	row = &t->page[t->at++];
	if (t->kind != TIMES_OPEN_DISTINCT)
		t->most--;
	*out = (struct letter_occurrence){ .number = row->number,
		.occurrence = t->text.data + row->text[0],
		.at = t->text.data + row->text[1],
		.message = t->text.data + row->text[2],
		.has_own_bytes = row->has_own_bytes, .raw_len = row->raw_len,
		.raw = row->has_raw ? t->text.data + row->raw : NULL };
	return 1;
}

int
letter_occurrences_read(struct letter_occurrences *t,
    struct letter_occurrence *out, struct err *e)
{
	const struct db_value v[] = { DB_I(t->letter), DB_I(out->number) };
	int rc = 1;

	if (!out->has_own_bytes || out->raw != NULL)
		return 1;
	buf_clear(&t->raw);
	if (!buf_reserve(&t->raw, out->raw_len))
		return buf_check(&t->raw, e);
	while (rc == 1 && t->raw.len < out->raw_len)
		rc = letters_read_raw_part(t->db, SQL_LETTER_TIME_RAW, v,
		    &t->raw, out->raw_len, e);
	if (rc == 1)
		out->raw = t->raw.data;
	return rc;
}

void
letter_occurrences_close(struct letter_occurrences *t)
{
	if (t == NULL)
		return;
	buf_release(&t->text);
	buf_release(&t->raw);
	free(t);
}
