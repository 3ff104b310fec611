#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "common/stdout_reader.h"
#include "cursor/cursor_value.h"
#include "db/sqlite.h"
#include "json/number.h"
#include "json/write.h"
#include "sql/sql_columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SQL_MAX = 64 << 20, HEX_PART = 64 << 10, SCHEME = 7 /* "sqlite:" */,
	READY_MS = 50 };        /* rows are flushed at least this often */

struct lite_source {
	struct sql_query *query;
	struct lite_read *read;
	struct buf name;        /* for messages */
	struct buf table;       /* of --table, in SQL quotes */
	struct buf sql;         /* the last query that was made for --table */
	struct sql_columns columns;
	bool cursor_is_text;    /* its column is declared as text */
	int64_t paused_at;      /* clock_ms() when is_ready() was last false */
};

static void
lite_source_close(void *self)
{
	struct lite_source *s = self;

	if (s == NULL)
		return;
	lite_read_close(s->read);
	sql_columns_release(&s->columns);
	buf_release(&s->sql);
	buf_release(&s->table);
	buf_release(&s->name);
	free(s);
}

static const char *
lite_source_name(const void *self)
{
	const struct lite_source *s = self;

	return s->name.data;
}

static const struct sql_columns *
lite_source_columns(const void *self)
{
	const struct lite_source *s = self;

	return &s->columns;
}

static const char *
name_lite_column(const void *read, size_t i)
{
	return lite_read_column_name(read, i);
}

/* True if SQLite compares the column as text (affinity TEXT): its declared type
 * contains CHAR, CLOB or TEXT, but not INT. */
static bool
has_text_affinity(const char *declared)
{
	return declared != NULL && strcasestr(declared, "INT") == NULL &&
	    (strcasestr(declared, "CHAR") != NULL ||
		strcasestr(declared, "CLOB") != NULL ||
		strcasestr(declared, "TEXT") != NULL);
}

/* Sets the type that the declared type of the column stands for. Any column of
 * SQLite can hold any value, so the loader compares the type with the values. A
 * column declared JSON gets no type, because etl-extract writes its values as
 * strings. */
static void
set_column_type(struct sql_column *c, const char *declared)
{
	static const struct {
		const char *declared, *type;
	} types[] = {
		{ "BOOLEAN", "boolean" }, { "BOOL", "boolean" },
		{ "REAL", "double precision" }, { "FLOAT", "double precision" },
		{ "DOUBLE", "double precision" },
		{ "DOUBLE PRECISION", "double precision" },
		{ "DATE", "date" }, { "TIME", "time" },
		{ "DATETIME", "timestamp" }, { "TIMESTAMP", "timestamp" },
		{ "TIMESTAMPTZ", "timestamptz" },
		{ "TIMESTAMP WITH TIME ZONE", "timestamptz" },
		{ "UUID", "uuid" }, { "BLOB", "bytea" }, { "BYTEA", "bytea" },
	};
	static const char *const decimals[] = { "NUMERIC", "DECIMAL" };
	int precision = 0, scale = 0;
	const char *type = "";

	if (declared == NULL)
		return;
	if (strcasestr(declared, "INT") != NULL)
		type = "bigint";
	else if (has_text_affinity(declared))
		type = "text";
	for (size_t i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++)
		if (strncasecmp(declared, decimals[i], 7) == 0) {
			(void)sscanf(declared + 7, " ( %4d , %4d",
			    &precision, &scale);
			sql_column_set_numeric(c, precision, scale);
			return;
		}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(declared, types[i].declared) == 0)
			type = types[i].type;
	(void)snprintf(c->type, sizeof(c->type), "%s", type);
}

/* Refuses parameters other than :since and :until, which would have no
 * value. */
static int
check_bound_params(struct lite_source *s, struct err *e)
{
	struct sql_query *q = s->query;
	const char *name;

	q->has_since = q->has_until = q->table != NULL;
	for (int i = 1; i <= lite_read_params(s->read); i++) {
		name = lite_read_param_name(s->read, i);
		if (name != NULL && strcmp(name, ":since") == 0)
			q->has_since = true;
		else if (name != NULL && strcmp(name, ":until") == 0)
			q->has_until = true;
		else
			return err_set(e, ERR_CONFIG, false, "--query: the "
			    "parameter %.64s has no value: use :since and "
			    ":until", name == NULL ? "?" : name);
	}
	return 0;
}

/* Prepares the query, and checks its columns and parameters. */
static int
lite_prepare_query(struct lite_source *s, const char *sql, struct err *e)
{
	struct sql_columns *c = &s->columns;
	int at;

	if (lite_read_prepare(s->read, sql, &at, e) == -1)
		return sql_prefix_place(s->query, at, e);
	if (sql_columns_fill(c, lite_read_columns(s->read), name_lite_column,
	    s->read, s->query, e) == -1)
		return sql_prefix_place(s->query, -1, e);
	for (size_t i = 0; i < c->n; i++)
		set_column_type(&c->column[i], lite_read_type(s->read, i));
	s->cursor_is_text = c->cursor < c->n &&
	    has_text_affinity(lite_read_type(s->read, c->cursor));
	return check_bound_params(s, e);
}

/* Prepares the query in s->sql. */
static int
lite_prepare_text(struct lite_source *s, struct err *e)
{
	(void)buf_text(&s->sql);
	return buf_check(&s->sql, e) == -1 ? -1 :
	    lite_prepare_query(s, s->sql.data, e);
}

/* Prepares the query of the user, or that of all rows of the table. */
static int
prepare_any_query(struct lite_source *s, struct err *e)
{
	const struct sql_query *q = s->query;

	if (q->table == NULL)
		return lite_prepare_query(s, q->text, e);
	if (sql_put_quoted_table(&s->table, q->table, false, e) == -1)
		return -1;
	if (q->cursor_is_inside)
		return err_set(e, ERR_CONFIG, false, "--table %.200s: "
		    "--cursor-field must name a column: write the condition "
		    "yourself with --query", q->table);
	buf_clear(&s->sql);
	buf_printf(&s->sql, "SELECT * FROM %s", s->table.data);
	return lite_prepare_text(s, e);
}

static int
lite_source_open(void **self, const char *url, struct sql_query *q,
    struct err *e)
{
	struct lite_source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->query = q;
	q->orders_times_as_text = true;
	buf_init(&s->name, SQL_MAX);
	buf_init(&s->table, SQL_MAX);
	buf_init(&s->sql, SQL_MAX);
	db_url_put_public(&s->name, url);
	(void)buf_text(&s->name);
	if (buf_check(&s->name, e) == -1 ||
	    lite_read_open(&s->read, url + SCHEME, q->most, is_reader_gone,
	    e) == -1 ||
	    prepare_any_query(s, e) == -1) {
		lite_source_close(s);
		return -1;
	}
	*self = s;
	return 0;
}

/* Warns if the table has rows without a cursor value. */
static int
lite_warn_nulls(struct lite_source *s, struct err *e)
{
	int rc, at;

	buf_clear(&s->sql);
	sql_put_null_query(&s->sql, s->query, buf_text(&s->table));
	(void)buf_text(&s->sql);
	if (buf_check(&s->sql, e) == -1 ||
	    lite_read_prepare(s->read, s->sql.data, &at, e) == -1 ||
	    (rc = lite_read_next(s->read, e)) == -1)
		return -1;
	if (rc == 1)
		sql_warn_nulls(s->query);
	return 0;
}

/* Prepares the query of the rows between the bounds. */
static int
lite_prepare_bounds(struct lite_source *s, const char *since, const char *until,
    struct err *e)
{
	buf_clear(&s->sql);
	sql_put_table_query(&s->sql, s->query, buf_text(&s->table),
	    s->cursor_is_text ? " COLLATE BINARY" : "", false, since != NULL,
	    until != NULL);
	return lite_prepare_text(s, e);
}

/* Binds the bound as text if the cursor's column is declared as text. Else
 * binds it as a number if it is one. */
static int
bind_bound(struct lite_source *s, int i, const char *bound, struct err *e)
{
	struct db_value v = db_text(bound);
	size_t n = strlen(bound);
	char *end;

	if (!s->cursor_is_text && value_kind(bound, n) == VALUE_NUMBER &&
	    number_to_int64(bound, n, &v.i))
		v.type = DB_INT;
	else if (!s->cursor_is_text && n > 0 &&
	    strspn(bound, "+-.0123456789eE") == n) {
		v.r = strtod(bound, &end);
		v.type = *end == '\0' ? DB_REAL : DB_TEXT;
	}
	return lite_read_bind(s->read, i, &v, e);
}

static int
lite_source_start(
    void *self, const char *since, const char *until, struct err *e)
{
	struct lite_source *s = self;
	bool is_table = s->query->table != NULL && s->query->cursor != NULL;
	const char *bound;

	s->paused_at = clock_ms();
	if (lite_read_begin(s->read, e) == -1 ||
	    (is_table && (lite_warn_nulls(s, e) == -1 ||
		lite_prepare_bounds(s, since, until, e) == -1)))
		return -1;
	for (int i = 1; i <= lite_read_params(s->read); i++) {
		bound = strcmp(lite_read_param_name(s->read, i),
		    ":since") == 0 ? since : until;
		if (bind_bound(s, i, bound, e) == -1)
			return -1;
	}
	return 0;
}

/* SQLite cannot tell whether it takes long to find the next row. So this
 * returns false every READY_MS milliseconds, and the caller flushes its
 * output. */
static bool
lite_source_is_ready(void *self)
{
	struct lite_source *s = self;
	int64_t now = clock_ms();

	if (now - s->paused_at < READY_MS)
		return true;
	s->paused_at = now;
	return false;
}

/* Appends a blob as a JSON string of hexadecimal digits. */
static void
put_blob(struct sql_row *r, const unsigned char *p, size_t n)
{
	buf_str(&r->text, "\"\\\\x");
	for (size_t part; n > 0; p += part, n -= part) {
		part = n < HEX_PART ? n : HEX_PART;
		hex_append(&r->text, p, part);
		sql_row_trim(r);
	}
	buf_char(&r->text, '"');
}

/* Appends the value as JSON. */
static void
put_lite_value(struct sql_row *r, struct db_value v)
{
	struct buf *b = &r->text;

	switch (v.type) {
	case DB_INT:
		buf_printf(b, "%" PRId64, v.i);
		break;
	case DB_REAL:
		number_put_real(b, v.r);
		break;
	case DB_TEXT:
		sql_row_put_string(r, v.p, v.len);
		break;
	case DB_BLOB:
		put_blob(r, (const unsigned char *)v.p, v.len);
		break;
	default:
		buf_add(b, "null", 4);
	}
}

static int
lite_source_next(void *self, struct sql_row *row, struct err *e)
{
	struct lite_source *s = self;
	const struct sql_column *c = s->columns.column;
	int rc = lite_read_next(s->read, e);
	struct db_value v;
	uint64_t all = 0;

	if (rc == -1 && (stop_signal() != 0 || is_reader_gone()))
		return fail_interrupted(e);
	if (rc == -1 && (lite_read_is_too_long(s->read) ||
	    (e->code == ERR_IO && e->transient &&
		sql_query_used_memory(s->query))))
		return sql_row_refuse(row, s->query, e);
	if (rc == -1)
		return sql_prefix_place(s->query, -1, e);
	if (rc == 0)
		return 0;
	for (size_t i = 0; i < s->columns.n; i++, c++) {
		v = lite_read_column(s->read, i);
		all += v.type == DB_TEXT || v.type == DB_BLOB ? v.len : 0;
		if (all > s->query->most)
			return sql_row_refuse(row, s->query, e);
		buf_add(&row->text, c->prefix, c->prefix_len);
		put_lite_value(row, v);
		sql_row_trim(row);
	}
	buf_char(&row->text, '}');
	sql_row_trim(row);
	return buf_check(&row->text, e) == -1 ? -1 : 1;
}

const struct sql_database sql_database_sqlite = {
	.open = lite_source_open,
	.start = lite_source_start,
	.is_ready = lite_source_is_ready,
	.next = lite_source_next,
	.close = lite_source_close,
	.columns = lite_source_columns,
	.name = lite_source_name,
};
