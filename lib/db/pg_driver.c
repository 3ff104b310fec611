#define SQL_POSTGRESQL_TEXTS
#include "db/pg_driver.h"

#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_connect.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21,
	OID_INT4 = 23, OID_OID = 26, OID_FLOAT4 = 700, OID_FLOAT8 = 701 };

void
pg_args_init(struct pg_args *a)
{
	*a = (struct pg_args){ 0 };
	buf_init(&a->text, SIZE_MAX / 4);
}

void
pg_args_release(struct pg_args *a)
{
	buf_release(&a->text);
	free(a->v);
	free(a->len);
	free(a->format);
	pg_args_init(a);
}

/* Makes room for total_args parameters. The old values are lost if the arrays
 * must grow. */
static int
grow_args(struct pg_args *a, size_t total_args, struct err *e)
{
	if (total_args <= a->room)
		return 0;
	free(a->v);
	free(a->len);
	free(a->format);
	a->room = 0;
	a->v = calloc(total_args, sizeof(*a->v));
	a->len = calloc(total_args, sizeof(*a->len));
	a->format = calloc(total_args, sizeof(*a->format));
	if (a->v == NULL || a->len == NULL || a->format == NULL)
		return err_nomem(e);
	a->room = total_args;
	return 0;
}

/* Returns how many bytes the parameters of a statement need at most when they
 * are written as text; 32 bytes are enough for a number. pg_args_set() gets
 * this much memory before it writes: the buffer must not move later, because
 * pg_args.v points into it. */
static size_t
values_size(const struct db_value *v, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += v[i].type == DB_TEXT ? v[i].len + 1 : 32;
	return size;
}

/* Appends a text parameter. Fails if the text has a NUL in it. */
static int
put_text_arg(struct buf *b, const struct db_value *v, struct db_fault *f,
    struct err *e)
{
	if (v->len > 0 && memchr(v->p, '\0', v->len) != NULL) {
		fault_clear(f);
		f->data = true;
		return err_set(e, ERR_DATA, false, "PostgreSQL cannot store a "
		    "text with a NUL in it");
	}
	buf_add(b, v->p, v->len);
	return 0;
}

int
pg_args_set(struct pg_args *a, const struct db_value *v, size_t n,
    struct db_fault *f, struct err *e)
{
	size_t at;

	buf_clear(&a->text);
	if (grow_args(a, n, e) == -1)
		return -1;
	if (!buf_reserve(&a->text, values_size(v, n) + 1))
		return buf_check(&a->text, e);
	for (size_t i = 0; i < n; i++) {
		at = a->text.len;
		a->v[i] = a->text.data + at;
		a->format[i] = v[i].type == DB_BLOB;
		a->len[i] = 0;
		if (v[i].type == DB_NULL)
			a->v[i] = NULL;
		else if (v[i].type == DB_INT)
			buf_printf(&a->text, "%" PRId64, v[i].i);
		else if (v[i].type == DB_REAL)
			buf_printf(&a->text, "%.17g", v[i].r);
		else if (v[i].type == DB_TEXT) {
			if (put_text_arg(&a->text, &v[i], f, e) == -1)
				return -1;
		} else if (v[i].len > INT_MAX)
			return err_set(e, ERR_DATA, false, "PostgreSQL cannot "
			    "store a blob of more than 2147483647 bytes");
		else {
			a->v[i] = v[i].p == NULL ? "" : v[i].p;
			a->len[i] = (int)v[i].len;
		}
		buf_char(&a->text, '\0');
	}
	return buf_check(&a->text, e);
}

static struct db_value
decode_bytea(const char *p, size_t n, struct buf *b)
{
	size_t at = b->len;

	for (size_t i = 2; i + 1 < n; i += 2)
		buf_char(b, (char)hex_byte_value(p + i));
	return db_bytes(b->data + at, b->len - at);
}

/* Converts the value of a column; oid is the column's type. Appends the bytes
 * of a bytea to b, and the returned value points to them. So b must have room
 * for n more bytes: its memory must not move. */
static struct db_value
pg_convert_value(unsigned oid, const char *p, size_t n, struct buf *b)
{
	switch (oid) {
	case OID_BOOL:
		return DB_I(*p == 't');
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
	case OID_OID:
		return DB_I(strtoll(p, NULL, 10));
	case OID_FLOAT4:
	case OID_FLOAT8:
		return (struct db_value){ .type = DB_REAL,
		    .r = strtod(p, NULL) };
	case OID_BYTEA:
		return decode_bytea(p, n, b);
	default:
		return (struct db_value){ .type = DB_TEXT, .p = p, .len = n };
	}
}

/* Statements with parameters on a connection to PostgreSQL, as struct driver
 * describes them: pg_stmt_start() and so on are its functions.
 * Owns:  pg_stmt_new() allocates, pg_stmt_drop() frees.
 * Borrows: the link until the statement is dropped. */

#define PG_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"

/* A PostgreSQL connection, which runs one command at a time. If the server is
 * still sending the rows of one statement and the program wants to run another
 * command, the remaining rows are first read into memory. */
struct link {
	struct pg *pg;
	struct db_fault *fault;
	struct pg_stmt *busy;   /* the server is sending its rows */
	unsigned long serial;   /* for names of prepared statements */
	bool begins;            /* BEGIN is to be sent with the next command,
	                         * which saves a round trip */
	bool closes;            /* the connection will be closed next, so the
	                         * server forgets the statements */
	struct buf script;
};

struct pg_stmt {
	struct link *link;
	char *sql, name[32];
	unsigned long opened; /* pg_count_opens() when it was prepared; 0: it is
			       * not prepared */
	struct pg_args args;
	struct pg_answer *row;
	struct pg_answer **later;       /* rows in memory: [at..n) */
	size_t at, n, room;
	struct db_value *values;
	size_t columns, values_room;
	struct buf bytes;
	int64_t changed;
	bool ran;               /* at least once */
	bool alone;             /* with a pool: the statement has begun a
	                         * transaction for itself alone */
};

/* Like pg_exec(). If link_begin_delayed() has left a BEGIN to be sent with the
 * next command, sends it first. */
static int
link_exec_copy(struct link *l, const char *sql, bool *copy_in_began,
    struct err *e)
{
	if (!l->begins)
		return pg_exec(l->pg, sql, copy_in_began, e);
	l->begins = false;
	buf_clear(&l->script);
	buf_printf(&l->script, PG_BEGIN "; %s", sql);
	if ((sql = buf_finish(&l->script, e)) == NULL)
		return -1;
	return pg_exec(l->pg, sql, copy_in_began, e);
}

static int
link_exec(struct link *l, const char *sql, struct err *e)
{
	bool copies;

	return link_exec_copy(l, sql, &copies, e);
}

/* Sends the BEGIN that link_begin_delayed() has left to be sent, if any. */
static int
link_send_begin(struct link *l, struct err *e)
{
	return l->begins ? link_exec(l, "", e) : 0;
}

/* Called when all answers of a statement have arrived. If stmt_send_pooled()
 * has begun a transaction for this statement alone, ends it. */
static int
stmt_end_own(struct pg_stmt *s, struct err *e)
{
	if (!s->alone)
		return 0;
	s->alone = false;
	if (pg_can_run(s->link->pg))
		return link_exec(s->link, "COMMIT", e);
	pg_rollback(s->link->pg);
	return 0;
}

/* Reads the rows that the server is still sending into memory, so that the
 * connection can take a command. */
static int
link_store_rows(struct link *l, struct err *e)
{
	struct pg_stmt *s = l->busy;
	struct pg_answer *a, **v;

	l->busy = NULL;
	while (s != NULL && (a = pg_next_answer(l->pg)) != NULL) {
		if (s->n == s->room) {
			s->room = s->room == 0 ? 16 : s->room * 2;
			v = realloc(s->later, s->room * sizeof(void *));
			if (v == NULL) {
				pg_answer_free(a);
				return err_nomem(e);
			}
			s->later = v;
		}
		s->later[s->n++] = a;
	}
	return s == NULL ? 0 : stmt_end_own(s, e);
}

static bool
stmt_is_prepared(const struct pg_stmt *s)
{
	return s->opened == pg_count_opens(s->link->pg);
}

/* Gives the statement a new name, so that it counts as not prepared. */
static void
stmt_rename(struct pg_stmt *s)
{
	s->opened = 0;
	(void)snprintf(s->name, sizeof(s->name), "etl_%lu",
	    ++s->link->serial);
}

static int
pg_stmt_new(void *conn, void **stmt, const char *sql, struct err *e)
{
	struct pg_stmt *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->sql = strdup(sql)) == NULL) {
		free(s);
		return err_nomem(e);
	}
	s->link = conn;
	stmt_rename(s);
	pg_args_init(&s->args);
	buf_init(&s->bytes, SIZE_MAX / 4);
	*stmt = s;
	return 0;
}

static void
pg_stmt_reset(void *stmt)
{
	struct pg_stmt *s = stmt;
	struct pg_answer *a;
	struct err ignored;

	pg_answer_free(s->row);
	s->row = NULL;
	while (s->at < s->n)
		pg_answer_free(s->later[s->at++]);
	s->at = s->n = 0;
	if (s->link->busy != s)
		return;
	while ((a = pg_next_answer(s->link->pg)) != NULL)
		pg_answer_free(a);
	s->link->busy = NULL;
	(void)stmt_end_own(s, &ignored);
}

static void
pg_stmt_drop(void *stmt)
{
	struct pg_stmt *s = stmt;
	char sql[64];
	struct err ignored;

	pg_stmt_reset(s);
	(void)snprintf(sql, sizeof(sql), "DEALLOCATE %s", s->name);
	if (!s->link->closes && stmt_is_prepared(s) &&
	    link_store_rows(s->link, &ignored) == 0 &&
	    pg_can_run(s->link->pg))
		(void)link_exec(s->link, sql, &ignored);
	pg_args_release(&s->args);
	buf_release(&s->bytes);
	free(s->later);
	free(s->values);
	free(s->sql);
	free(s);
}

/* Used with a pool. A statement is not prepared, because the pool may run the
 * next transaction in another session. Outside a transaction begins one for
 * this statement alone, because BEGIN also sets the session's options. */
static int
stmt_send_pooled(struct pg_stmt *s, size_t n, struct err *e)
{
	struct link *l = s->link;

	s->alone = !pg_is_in_transaction(l->pg);
	if ((s->alone && link_exec(l, PG_BEGIN, e) == -1) ||
	    pg_send_unprepared(l->pg, s->sql, NULL, &s->args, n, e) == -1) {
		s->alone = false;
		return -1;
	}
	return 0;
}

/* Prepares the statement unless the session knows it already. */
static int
stmt_prepare(struct pg_stmt *s, struct err *e)
{
	struct link *l = s->link;

	if (stmt_is_prepared(s))
		return 0;
	if (pg_prepare(l->pg, s->name, s->sql, NULL, 0, e) == -1)
		return -1;
	s->opened = pg_count_opens(l->pg);
	return 0;
}

/* Does not prepare a statement that runs for the first time, which saves a
 * round trip: most statements run only once. */
static int
stmt_send(struct pg_stmt *s, size_t n, struct err *e)
{
	struct link *l = s->link;
	bool again = s->ran;

	s->ran = true;
	if (link_send_begin(l, e) == -1)
		return -1;
	if (!again && !stmt_is_prepared(s))
		return pg_send_unprepared(l->pg, s->sql, NULL, &s->args, n, e);
	return stmt_prepare(s, e) == -1 ? -1 :
	    pg_send_prepared(l->pg, s->name, &s->args, n, e);
}

static int
pg_stmt_prepare(void *stmt, const char **name, struct err *e)
{
	struct pg_stmt *s = stmt;

	*name = s->name;
	return link_store_rows(s->link, e) == -1 ? -1 : stmt_prepare(s, e);
}

static int
pg_stmt_start(void *stmt, const struct db_value *v, size_t n, bool ignored,
    struct err *e)
{
	struct pg_stmt *s = stmt;
	struct link *l = s->link;

	if (link_store_rows(l, e) == -1 ||
	    pg_args_set(&s->args, v, n, l->fault, e) == -1 ||
	    (pg_is_pooled(l->pg) ? stmt_send_pooled : stmt_send)(s, n, e) == -1)
		return -1;
	l->busy = s;
	return 0;
}

static int
convert_row(struct pg_stmt *s, struct err *e)
{
	size_t n = pg_count_columns(s->row), size = 1, len;
	struct db_value *v;
	const char *p;
	unsigned oid;

	if (n > s->values_room) {
		if ((v = realloc(s->values, n * sizeof(*v))) == NULL)
			return err_nomem(e);
		s->values = v;
		s->values_room = n;
	}
	s->columns = n;
	for (size_t i = 0; i < n; i++) {
		(void)pg_column_value(s->row, i, &len, &oid);
		size += len;
	}
	buf_clear(&s->bytes);
	if (!buf_reserve(&s->bytes, size))
		return buf_check(&s->bytes, e);
	for (size_t i = 0; i < n; i++) {
		p = pg_column_value(s->row, i, &len, &oid);
		s->values[i] = p == NULL ? db_text(NULL) :
		    pg_convert_value(oid, p, len, &s->bytes);
	}
	return 1;
}

/* SQLSTATE 0A000 may mean that a table has changed since the statement was
 * prepared. If so, a retry may succeed: the statement will be prepared again
 * under another name. Returns -1. */
static int
note_table_change(struct pg_stmt *s, struct err *e)
{
	if (stmt_is_prepared(s) &&
	    strcmp(s->link->fault->sqlstate, "0A000") == 0) {
		stmt_rename(s);
		s->link->fault->again = e->transient = true;
	}
	return -1;
}

static int
pg_stmt_next(void *stmt, struct err *e)
{
	struct pg_stmt *s = stmt;
	struct link *l = s->link;
	int rc;

	do {
		pg_answer_free(s->row);
		s->row = NULL;
		if (s->at < s->n)
			s->row = s->later[s->at++];
		else if (l->busy == s)
			s->row = pg_next_answer(l->pg);
		if (s->row == NULL) {
			if (l->busy != s)
				return 0;
			l->busy = NULL;
			return stmt_end_own(s, e);
		}
		rc = pg_answer_status(l->pg, s->row, &s->changed, e);
	} while (rc == 0);
	if (rc == 1)
		return convert_row(s, e);
	s->row = NULL;
	return note_table_change(s, e);
}

static size_t
pg_stmt_columns(const void *stmt)
{
	const struct pg_stmt *s = stmt;

	return s->columns;
}

static struct db_value
pg_stmt_column(const void *stmt, size_t i)
{
	const struct pg_stmt *s = stmt;

	return i < s->columns ? s->values[i] : db_text(NULL);
}

static int64_t
pg_stmt_changed(const void *stmt)
{
	const struct pg_stmt *s = stmt;

	return s->changed;
}

enum { NAME_MAX_PG = 63 };

static void
link_start_close(void *conn)
{
	struct link *l = conn;

	l->closes = true;
}

static void
link_close(void *conn)
{
	struct link *l = conn;

	if (l == NULL)
		return;
	pg_close(l->pg);
	buf_release(&l->script);
	free(l);
}

static int
link_open(void **conn, const char *url, bool ignored, struct db_fault *fault,
    struct err *e)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_nomem(e);
	l->fault = fault;
	buf_init(&l->script, SIZE_MAX / 4);
	if (pg_open(&l->pg, url, sql_postgresql[SQL_CATALOG_FIRST], fault,
	    e) == -1) {
		link_close(l);
		return -1;
	}
	*conn = l;
	return 0;
}

static int
link_reopen(void *conn, struct err *e)
{
	struct link *l = conn;

	l->busy = NULL;
	l->begins = false;
	return pg_reopen(l->pg, e);
}

static struct pg *
link_pg(void *conn)
{
	struct link *l = conn;

	return l->pg;
}

static void
link_put_name(void *conn, struct buf *b)
{
	struct link *l = conn;

	pg_put_name(l->pg, b);
}

static int
link_set_limits(void *conn, const struct db_limits *limits, struct err *e)
{
	struct link *l = conn;

	return link_store_rows(l, e) == -1 ? -1 :
	    pg_set_limits(l->pg, limits, e);
}

static int
link_copy_begin(void *conn, const char *sql, struct err *e)
{
	struct link *l = conn;

	return link_store_rows(l, e) == -1 ? -1 : link_exec(l, sql, e);
}

static int
link_run_script(void *conn, const char *sql, struct err *e)
{
	struct link *l = conn;
	bool copies = false;

	if (link_store_rows(l, e) == -1)
		return -1;
	if (strcmp(sql, "COMMIT") == 0 && l->begins) {
		l->begins = false;      /* nothing was done */
		return 0;
	}
	if (link_exec_copy(l, sql, &copies, e) == -1)
		return -1;
	if (!copies)
		return 0;
	pg_rollback(l->pg);
	return err_set(e, ERR_CONFIG, false, "COPY ... FROM STDIN cannot be "
	    "used in a script, which has no data for it: use INSERT");
}

/* A pool may begin the transaction in any session, and pg_exec() sets the
 * options of that session together with BEGIN. So with a pool, BEGIN is sent at
 * once. */
static int
link_begin_delayed(void *conn, struct err *e)
{
	struct link *l = conn;

	if (link_store_rows(l, e) == -1)
		return -1;
	if (pg_is_pooled(l->pg))
		return link_exec(l, PG_BEGIN, e);
	l->begins = true;
	return 0;
}

static void
link_rollback(void *conn)
{
	struct link *l = conn;
	struct err ignored;

	(void)link_store_rows(l, &ignored);
	l->begins = false;
	pg_rollback(l->pg);
}

static int
link_copy_data(void *conn, const char *p, size_t n, struct err *e)
{
	struct link *l = conn;

	return pg_copy_data(l->pg, p, n, e);
}

static int
link_copy_end(void *conn, int64_t *rows, struct err *e)
{
	struct link *l = conn;

	return pg_copy_end(l->pg, rows, e);
}

static int
link_copy_end_script(void *conn, int64_t *numbers, size_t n, struct err *e)
{
	struct link *l = conn;

	return pg_copy_end_script(l->pg, numbers, n, e);
}

const struct driver driver_pg = {
	.kind = DB_POSTGRESQL,
	.sql = sql_postgresql,
	.name_max = NAME_MAX_PG,
	.begin = PG_BEGIN,
	.begin_with_next = link_begin_delayed,
	.check = pg_check_url,
	.open = link_open,
	.start_close = link_start_close, .close = link_close,
	.reopen = link_reopen,
	.set_limits = link_set_limits,
	.pg_connection = link_pg,
	.name = link_put_name,
	.script = link_run_script,
	.rollback = link_rollback,
	.prepare = pg_stmt_new,
	.start = pg_stmt_start,
	.next = pg_stmt_next,
	.columns = pg_stmt_columns,
	.column = pg_stmt_column,
	.changed = pg_stmt_changed,
	.reset = pg_stmt_reset,
	.drop = pg_stmt_drop,
	.copy_begin = link_copy_begin,
	.copy_data = link_copy_data,
	.copy_end = link_copy_end,
	.copy_end_script = link_copy_end_script,
	.prepare_for_script = pg_stmt_prepare,
};
