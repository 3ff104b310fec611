#include "base/stop.h"
#include "common/stdout_reader.h"
#include "db/db.h"
#include "db/pg.h"
#include "json/write.h"
#include "sql/sql_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Values of PostgreSQL, in the text that the server sends, as JSON.
 * Gives: numbers keep their digits; NaN and infinities become strings; json is
 *        copied; a timestamp gets the form of RFC 3339; all other values become
 *        strings as the server writes them. The session's time zone must be
 *        UTC. */

enum sql_pg_kind {
	SQL_PG_OTHER,           /* the server must make JSON of it */
	SQL_PG_NUMBER, SQL_PG_BOOL, SQL_PG_JSON, SQL_PG_TIMESTAMP,
	SQL_PG_TIMESTAMP_ZONE, SQL_PG_STRING
};

/* Types that etl-extract uses by their OID, which never changes. */
enum { SQL_PG_TEXT_OID = 25, SQL_PG_TIMESTAMPTZ_OID = 1184,
	SQL_PG_NUMERIC_OID = 1700 };

/* The built-in types of PostgreSQL, from the catalog pg_type. `collated`: see
 * sql_pg_is_collated(); `sorted`: see sql_pg_is_sorted().
 */
static const struct pg_type {
	unsigned oid;
	enum sql_pg_kind kind;
	bool collated, sorted;
	const char *name;       /* of sql_pg_set_type(); NULL: none */
} builtins[] = {
	{ 16, SQL_PG_BOOL, false, false, "boolean" },
	{ 17, SQL_PG_STRING, false, true, "bytea" },
	{ 18, SQL_PG_STRING, false, false, "text" }, /* "char" */
	{ 19, SQL_PG_STRING, true, true, "text" }, /* name */
	{ 20, SQL_PG_NUMBER, false, true, "bigint" }, /* int8 */
	{ 21, SQL_PG_NUMBER, false, true, "smallint" }, /* int2 */
	{ 23, SQL_PG_NUMBER, false, true, "integer" }, /* int4 */
	{ SQL_PG_TEXT_OID, SQL_PG_STRING, true, true, "text" },
	{ 26, SQL_PG_NUMBER, false, true, "bigint" }, /* oid */
	{ 114, SQL_PG_JSON, false, false, "jsonb" },
	{ 142, SQL_PG_STRING, false, false, NULL }, /* xml */
	{ 650, SQL_PG_STRING, false, false, NULL }, /* cidr */
	{ 700, SQL_PG_NUMBER, false, true, "real" }, /* float4 */
	{ 701, SQL_PG_NUMBER, false, true, "double precision" },
	{ 705, SQL_PG_STRING, false, false, NULL }, /* unknown */
	{ 790, SQL_PG_STRING, false, false, NULL }, /* money */
	{ 829, SQL_PG_STRING, false, false, NULL }, /* macaddr */
	{ 869, SQL_PG_STRING, false, false, NULL }, /* inet */
	{ 1042, SQL_PG_STRING, true, false, "text" }, /* char(n) */
	{ 1043, SQL_PG_STRING, true, true, "text" }, /* varchar */
	{ 1082, SQL_PG_STRING, false, true, "date" },
	{ 1083, SQL_PG_STRING, false, true, "time" },
	{ 1114, SQL_PG_TIMESTAMP, false, true, "timestamp" },
	{ SQL_PG_TIMESTAMPTZ_OID, SQL_PG_TIMESTAMP_ZONE, false, true,
	    "timestamptz" },
	{ 1186, SQL_PG_STRING, false, false, NULL }, /* interval */
	{ 1266, SQL_PG_STRING, false, false, NULL }, /* timetz */
	{ 1560, SQL_PG_STRING, false, false, NULL }, /* bit */
	{ 1562, SQL_PG_STRING, false, false, NULL }, /* varbit */
	{ SQL_PG_NUMERIC_OID, SQL_PG_NUMBER, false, true, "numeric" },
	{ 2278, SQL_PG_STRING, false, false, NULL }, /* void */
	{ 2950, SQL_PG_STRING, false, true, "uuid" },
	{ 3802, SQL_PG_JSON, false, false, "jsonb" },
};

static const struct pg_type *
find_type(unsigned oid)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (builtins[i].oid == oid)
			return &builtins[i];
	return NULL;
}

static enum sql_pg_kind
sql_pg_kind_of(unsigned oid)
{
	const struct pg_type *t = find_type(oid);

	return t == NULL ? SQL_PG_OTHER : t->kind;
}

/* True for text types: the server sorts their values by a collation. */
static bool
sql_pg_is_collated(unsigned oid)
{
	const struct pg_type *t = find_type(oid);

	return t != NULL && t->collated;
}

/* True if the server, with collation "C" for text types, sorts the values of
 * this type in the order in which etl-extract compares them. */
static bool
sql_pg_is_sorted(unsigned oid)
{
	const struct pg_type *t = find_type(oid);

	return t != NULL && t->sorted;
}

/* Sets c->type, if the mark columns has a word for the type. The typmod of
 * numeric(p,s) is ((p << 16) | s) + 4. The scale has 11 bits, and the highest
 * of them is its sign. */
static void
sql_pg_set_type(struct sql_column *c, unsigned oid, int typmod)
{
	enum { VARHDRSZ = 4, SCALE_BITS = 0x7ff };
	const struct pg_type *t = find_type(oid);
	int digits = typmod - VARHDRSZ;

	if (oid == SQL_PG_NUMERIC_OID)
		sql_column_set_numeric(c, typmod == -1 ? 0 : digits >> 16,
		    digits & SCALE_BITS);
	else if (t != NULL && t->name != NULL)
		(void)snprintf(c->type, sizeof(c->type), "%s", t->name);
}

/* Writes NaN, Infinity and -Infinity as strings: they are not JSON numbers. */
static void
put_pg_number(struct buf *b, const char *p, size_t n)
{
	char last = p[n - 1];
	bool quoted = last == 'N' || last == 'y';

	if (quoted)
		buf_char(b, '"');
	buf_add(b, p, n);
	if (quoted)
		buf_char(b, '"');
}

/* Writes "2026-01-02 03:04:05+00" as "2026-01-02T03:04:05+00:00". RFC 3339
 * cannot express a year before 1 or infinity: a year keeps its " BC", and
 * infinity is written as it is. */
static void
put_timestamp(struct buf *b, const char *p, size_t n, bool zone)
{
	const char *blank = memchr(p, ' ', n);
	size_t bc = n > 3 && memcmp(p + n - 3, " BC", 3) == 0 ? 3 : 0;

	buf_char(b, '"');
	if (blank == NULL) {
		buf_add(b, p, n);
	} else {
		buf_add(b, p, (size_t)(blank - p));
		buf_char(b, 'T');
		buf_add(b, blank + 1, n - bc - (size_t)(blank + 1 - p));
		if (zone)
			buf_add(b, ":00", 3);
		buf_add(b, p + n - bc, bc);
	}
	buf_char(b, '"');
}

/* Appends the value as JSON. */
static void
sql_pg_put_value(struct buf *b, enum sql_pg_kind k, const char *p, size_t n)
{
	switch (k) {
	case SQL_PG_NUMBER:
		put_pg_number(b, p, n);
		break;
	case SQL_PG_BOOL:
		buf_str(b, *p == 't' ? "true" : "false");
		break;
	case SQL_PG_JSON:
	case SQL_PG_OTHER:
		buf_add(b, p, n);
		break;
	case SQL_PG_TIMESTAMP:
		put_timestamp(b, p, n, false);
		break;
	case SQL_PG_TIMESTAMP_ZONE:
		put_timestamp(b, p, n, true);
		break;
	default:
		json_put_string(b, p, n);
	}
}

enum { PG_SOURCE_NAME = 24 };

struct pg_source {
	struct sql_query *query;
	struct db *db;
	struct pg *pg;
	struct sql_text text;   /* the query, with $1 and $2 */
	struct buf table;       /* of --table, in SQL quotes */
	struct buf sql;         /* the last query that was made for --table */
	struct buf last;        /* with a pooler: the last query prepared */
	struct sql_columns columns;
	unsigned cursor_type;   /* OID; 0: not known */
	unsigned param_type;    /* OID of its parameters, as prepared */
	char name[PG_SOURCE_NAME];        /* of the prepared query */
	unsigned serial;
	struct pg_args args;
	size_t wrapped_at;      /* characters before the user's query in the
				 * prepared query */
};

enum { SQL_MAX = 64 << 20 };

/* Puts the line and the column of the error in the user's query before the
 * message. Returns -1. */
static int
pg_source_prefix(const struct pg_source *s, struct err *e)
{
	int64_t n = db_fault(s->db)->position - (int64_t)s->wrapped_at;

	return sql_prefix_place(s->query, n <= 0 ||
	    s->query->text == NULL ?
	    -1 : (long)sql_text_offset(s->query->text, n), e);
}

/* If the server does not accept the query, the option is wrong (78). An error
 * of the connection, or a missing permission, keeps its exit code. */
static int
set_prepare_error(const struct pg_source *s, struct err *e)
{
	if (!e->transient && e->code != ERR_DENIED &&
	    *db_fault(s->db)->sqlstate != '\0')
		e->code = ERR_CONFIG;
	return pg_source_prefix(s, e);
}

static size_t
pg_source_count_params(const struct pg_source *s)
{
	return (size_t)(s->text.since > 0) + (s->text.until > 0);
}

/* Prepares the query with parameters of this type. 0: the server chooses the
 * type.
 *
 * Behind a connection pooler the next transaction may be in another session. So
 * the statement gets no name, and it is prepared and described in one
 * transaction. Rolls back first: an earlier call that failed has aborted the
 * transaction. */
static int
prepare_with_type(struct pg_source *s, const char *sql, unsigned type,
    struct err *e)
{
	const unsigned types[SQL_PARAMS] = { type, type };

	(void)snprintf(s->name, sizeof(s->name), "etl_query_%u", ++s->serial);
	if (pg_is_pooled(s->pg)) {
		s->name[0] = '\0';
		db_rollback(s->db);
		if (db_begin(s->db, e) == -1)
			return -1;
	}
	if (pg_prepare(s->pg, s->name, sql, types, pg_source_count_params(s),
	    e) == -1)
		return -1;
	s->param_type = type;
	if (!pg_is_pooled(s->pg))
		return 0;
	buf_clear(&s->last);
	buf_str(&s->last, sql);
	(void)buf_text(&s->last);
	return buf_check(&s->last, e);
}

/* Prepares the query and lets the server find the types of its parameters. This
 * fails for a query such as :since - interval '1 h', where the server chooses a
 * wrong type or none. Then tries the types that cursors usually have. If all
 * fail, *e is the first error. */
static int
prepare_first_fit(struct pg_source *s, struct err *e)
{
	static const unsigned types[] = { 0, SQL_PG_TIMESTAMPTZ_OID,
	    SQL_PG_NUMERIC_OID, SQL_PG_TEXT_OID };
	size_t n = pg_source_count_params(s) == 0 ? 1 :
	    sizeof(types) / sizeof(types[0]);
	struct err later;

	if (prepare_with_type(s, s->text.sql.data, types[0], e) == 0)
		return 0;
	(void)set_prepare_error(s, e);
	for (size_t i = 1; i < n && !e->transient; i++)
		if (prepare_with_type(s, s->text.sql.data, types[i],
		    &later) == 0)
			return 0;
	return -1;
}

static const char *
name_pg_column(const void *pg, size_t i)
{
	return pg_get_column(pg, i).name;
}

/* Asks the server for the columns of the prepared query, and checks them. */
static int
describe_columns(struct pg_source *s, struct err *e)
{
	struct sql_columns *c = &s->columns;
	struct pg_column one;
	size_t n;
	int rc;

	if (pg_describe(s->pg, s->name, &n, e) == -1)
		return set_prepare_error(s, e);
	rc = sql_columns_fill(c, n, name_pg_column, s->pg, s->query, e);
	if (rc == -1)
		(void)sql_prefix_place(s->query, -1, e);
	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		one = pg_get_column(s->pg, i);
		c->column[i].kind = (int)sql_pg_kind_of(one.type);
		sql_pg_set_type(&c->column[i], one.type, one.typmod);
	}
	if (rc == 0 && c->cursor < c->n && !s->query->cursor_is_inside)
		s->cursor_type = pg_get_column(s->pg, c->cursor).type;
	return rc;
}

/* Prepares the query again, with parameters of the type of the cursor's column.
 * If this fails, as for id >= length(:since), keeps the statement that was
 * prepared before. */
static int
prepare_for_cursor(struct pg_source *s, struct err *e)
{
	unsigned type = s->param_type;
	char name[PG_SOURCE_NAME];

	memcpy(name, s->name, sizeof(name));
	if (pg_source_count_params(s) == 0 || s->cursor_type == 0 ||
	    s->cursor_type == type ||
	    prepare_with_type(s, s->text.sql.data, s->cursor_type, e) == 0)
		return 0;
	if (e->transient)
		return set_prepare_error(s, e);
	memcpy(s->name, name, sizeof(name));
	s->param_type = type;
	return 0;
}

/* If a column has a type that etl-extract does not know, the server converts it
 * to JSON. Such types are arrays, composite types and types of extensions. The
 * query is then wrapped: SELECT q.c0, to_json(q.c1) FROM (the query) AS q(c0,
 * c1). */
static int
prepare_wrapped(struct pg_source *s, struct err *e)
{
	struct sql_columns *c = &s->columns;
	struct buf b;
	size_t i = 0;
	int rc;

	while (i < c->n && c->column[i].kind != SQL_PG_OTHER)
		i++;
	if (i == c->n)
		return 0;
	buf_init(&b, SQL_MAX);
	buf_str(&b, "SELECT ");
	for (i = 0; i < c->n; i++)
		buf_printf(&b, c->column[i].kind == SQL_PG_OTHER ?
		    "%spg_catalog.to_json(q.c%zu)" : "%sq.c%zu",
		    i == 0 ? "" : ", ", i);
	buf_str(&b, " FROM (");
	s->wrapped_at = b.len;
	buf_add(&b, s->text.sql.data, s->text.end);
	buf_str(&b, "\n) AS q(");
	for (i = 0; i < c->n; i++)
		buf_printf(&b, "%sc%zu", i == 0 ? "" : ", ", i);
	buf_char(&b, ')');
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0 && prepare_with_type(s, b.data, s->param_type, e) == -1)
		rc = set_prepare_error(s, e);
	buf_release(&b);
	return rc;
}

/* Prepares the query. Fails if the server refuses it or its columns cannot be
 * used. */
static int
pg_source_prepare(struct pg_source *s, const char *sql, struct err *e)
{
	int rc = -1;

	sql_text_release(&s->text);
	sql_text_init(&s->text);
	s->wrapped_at = 0;
	if (sql_text_replace(&s->text, sql, e) == -1)
		return -1;
	if (s->text.has_numbered)
		return err_set(e, ERR_CONFIG, false, "--query: $1 and other "
		    "numbered parameters have no value: use :since and "
		    ":until");
	if (prepare_first_fit(s, e) == 0 &&
	    describe_columns(s, e) == 0 &&
	    prepare_for_cursor(s, e) == 0)
		rc = prepare_wrapped(s, e);
	if (pg_is_pooled(s->pg))
		db_rollback(s->db);
	return rc;
}

static void
pg_source_close(void *self)
{
	struct pg_source *s = self;

	if (s == NULL)
		return;
	pg_args_release(&s->args);
	sql_columns_release(&s->columns);
	sql_text_release(&s->text);
	buf_release(&s->sql);
	buf_release(&s->last);
	buf_release(&s->table);
	db_close(s->db);
	free(s);
}

static const char *
pg_source_name(const void *self)
{
	const struct pg_source *s = self;

	return db_name(s->db);
}

static const struct sql_columns *
pg_source_columns(const void *self)
{
	const struct pg_source *s = self;

	return &s->columns;
}

/* Checks that the server sorts the values of the cursor's column as etl-extract
 * compares them. Otherwise the last row would not have the highest value. */
static int
check_cursor_order(const struct pg_source *s, struct err *e)
{
	const struct sql_query *q = s->query;

	if (q->cursor == NULL)
		return 0;
	if (!q->cursor_is_inside && sql_pg_is_sorted(s->cursor_type))
		return 0;
	return err_set(e, ERR_CONFIG, false, "--table %.200s: the column "
	    "%.200s of --cursor-field is not a number, a time, a text or a "
	    "uuid, so its rows cannot be read in order: write the condition "
	    "yourself with --query", q->table, q->cursor);
}

/* Prepares the query in s->sql. */
static int
pg_prepare_text(struct pg_source *s, struct err *e)
{
	(void)buf_text(&s->sql);
	return buf_check(&s->sql, e) == -1 ? -1 :
	    pg_source_prepare(s, s->sql.data, e);
}

/* Prepares the query of all rows of the table, and checks the column of the
 * cursor. If `lower` is set, the name of the table is in lower case. */
static int
prepare_table(struct pg_source *s, bool lower, struct err *e)
{
	buf_clear(&s->table);
	if (sql_put_quoted_table(&s->table, s->query->table, lower, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "SELECT * FROM %s", s->table.data);
	return pg_prepare_text(s, e) == -1 ? -1 : check_cursor_order(s, e);
}

/* Prepares the query of --table. If there is no table with this name, tries the
 * name in lower case, as the loader does. */
static int
prepare_any_case(struct pg_source *s, struct err *e)
{
	struct err later;

	s->query->has_since = s->query->has_until = true;
	if (prepare_table(s, false, e) == 0)
		return 0;
	if (strcmp(db_fault(s->db)->sqlstate, "42P01") != 0)
		return -1;
	return prepare_table(s, true, &later) == 0 ? 0 : -1;
}

static int
pg_source_open(void **self, const char *url, struct sql_query *q,
    struct err *e)
{
	struct pg_source *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_nomem(e);
	s->query = q;
	sql_text_init(&s->text);
	buf_init(&s->table, SQL_MAX);
	buf_init(&s->sql, SQL_MAX);
	buf_init(&s->last, SQL_MAX);
	pg_args_init(&s->args);
	rc = db_open(&s->db, url, e);
	if (rc == 0) {
		s->pg = db_pg_connection(s->db);
		rc = q->table != NULL ? prepare_any_case(s, e) :
		    pg_source_prepare(s, q->text, e);
	}
	if (rc == 0 && q->table == NULL) {
		q->has_since = s->text.since > 0;
		q->has_until = s->text.until > 0;
	}
	if (rc == -1) {
		pg_source_close(s);
		return -1;
	}
	*self = s;
	return 0;
}

/* Warns if the table has rows without a cursor value. */
static int
pg_warn_nulls(struct pg_source *s, struct err *e)
{
	int64_t found = 0;

	buf_clear(&s->sql);
	sql_put_null_query(&s->sql, s->query, buf_text(&s->table));
	(void)buf_text(&s->sql);
	if (buf_check(&s->sql, e) == -1 ||
	    db_query_int(s->db, s->sql.data, NULL, 0, 0, &found, e) == -1)
		return -1;
	if (found != 0)
		sql_warn_nulls(s->query);
	return 0;
}

/* Sends the query that was prepared last. */
static int
send_query(struct pg_source *s, const char *since, const char *until,
    struct err *e)
{
	const unsigned types[SQL_PARAMS] = { s->param_type, s->param_type };
	struct db_value v[SQL_PARAMS] = { 0 };
	size_t n = pg_source_count_params(s);
	struct db_fault ignored;

	if (s->text.since > 0)
		v[s->text.since - 1] = db_text(since);
	if (s->text.until > 0)
		v[s->text.until - 1] = db_text(until);
	if (pg_args_set(&s->args, v, n, &ignored, e) == -1)
		return -1;
	return pg_is_pooled(s->pg) ?
	    pg_send_unprepared(s->pg, s->last.data, types, &s->args, n, e) :
	    pg_send_prepared(s->pg, s->name, &s->args, n, e);
}

/* Begins the transaction in which all rows are read, and sends the query. The
 * query was prepared before BEGIN, because a PREPARE that fails would abort the
 * transaction. */
static int
begin_query(void *self, const char *since, const char *until, struct err *e)
{
	struct pg_source *s = self;
	const bool has_bounds = s->query->table != NULL &&
	    s->query->cursor != NULL;

	if (has_bounds) {
		buf_clear(&s->sql);
		sql_put_table_query(&s->sql, s->query, buf_text(&s->table),
		    sql_pg_is_collated(s->cursor_type) ?
		    " COLLATE pg_catalog.\"C\"" : "", true, since != NULL,
		    until != NULL);
		if (pg_prepare_text(s, e) == -1)
			return -1;
	}
	if (db_script(s->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		e) == -1)
		return -1;
	if (has_bounds && pg_warn_nulls(s, e) == -1)
		return sql_prefix_place(s->query, -1, e);
	return send_query(s, since, until, e);
}

static bool
pg_source_is_ready(void *self)
{
	struct pg_source *s = self;

	return pg_answer_is_ready(s->pg);
}

/* Waits for the server. If meanwhile the reader of standard output has gone, or
 * a signal asks the program to stop, cancels the query and fails. */
static int
wait_for_answer(struct pg_source *s, struct err *e)
{
	struct pollfd p[] = { { .fd = pg_socket(s->pg), .events = POLLIN },
	    { .fd = STDOUT_FILENO } };

	while (!pg_answer_is_ready(s->pg))
		if (wait_fds(p, 2, -1) == -1 || p[1].revents != 0) {
			pg_cancel(s->pg);
			return fail_interrupted(e);
		}
	return 0;
}

/* True if libpq could not allocate the memory for a row because the memory is
 * limited (source/sql.c). If it is its buffer that cannot grow, libpq only says
 * that it has lost synchronization. */
static bool
has_hit_limit(const struct pg_source *s, const char *message)
{
	static const char row[] = "lost synchronization with server: got "
	    "message type \"D\", length ";
	const char *lost = strstr(message, row);

	if (lost != NULL)
		return strtoull(lost + sizeof(row) - 1, NULL, 10) >
		    s->query->most;
	return strstr(message, "out of memory") != NULL &&
	    sql_query_used_memory(s->query);
}

/* Sets the exit code for a query that fails while its rows are read: 65, or 75
 * if the server says that it may work later, or 77 if it is not allowed. A
 * statement that writes is a wrong option (78): the transaction is read-only.
 * Puts the place in the query before the message. */
static int
set_query_error(const struct pg_source *s, const struct sql_row *row,
    struct err *e)
{
	const char *state = db_fault(s->db)->sqlstate;

	if (stop_signal() != 0)
		return fail_interrupted(e);
	if (*state == '\0' && has_hit_limit(s, e->msg))
		return sql_row_refuse(row, s->query, e);
	if (strcmp(state, "25006") == 0)
		e->code = ERR_CONFIG;
	else if (!e->transient && *state != '\0' && e->code != ERR_DENIED)
		e->code = ERR_DATA;
	return pg_source_prefix(s, e);
}

/* Appends the row as a JSON object. */
static void
put_pg_row(struct pg_source *s, struct sql_row *row)
{
	struct buf *record = &row->text;
	const struct sql_column *c = s->columns.column;
	const char *p;
	size_t len;

	for (size_t i = 0; i < s->columns.n; i++, c++) {
		buf_add(record, c->prefix, c->prefix_len);
		p = pg_get_value(s->pg, i, &len);
		if (p == NULL)
			buf_add(record, "null", 4);
		else if (c->kind == SQL_PG_STRING)
			sql_row_put_string(row, p, len);
		else
			sql_pg_put_value(record, (enum sql_pg_kind)c->kind, p,
			    len);
		sql_row_trim(row);
	}
	buf_char(record, '}');
	sql_row_trim(row);
}

static bool
is_row_too_large(const struct pg_source *s)
{
	uint64_t all = 0;
	size_t len;

	for (size_t i = 0; i < s->columns.n; i++) {
		(void)pg_get_value(s->pg, i, &len);
		all += len;
	}
	return all > s->query->most;
}

static int
pg_source_next(void *self, struct sql_row *row, struct err *e)
{
	struct pg_source *s = self;
	int rc;

	if (wait_for_answer(s, e) == -1)
		return -1;
	if ((rc = pg_next_row(s->pg, e)) == -1)
		return set_query_error(s, row, e);
	if (rc == 0)
		return 0;
	if (is_row_too_large(s))
		return sql_row_refuse(row, s->query, e);
	put_pg_row(s, row);
	return buf_check(&row->text, e) == -1 ? -1 : 1;
}

const struct sql_database sql_database_pg = {
	.open = pg_source_open,
	.start = begin_query,
	.is_ready = pg_source_is_ready,
	.next = pg_source_next,
	.close = pg_source_close,
	.columns = pg_source_columns,
	.name = pg_source_name,
};
