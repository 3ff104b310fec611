#define SQL_POSTGRESQL_TEXTS
#include "db/pg.h"

#include "base/text.h"
#include "db/driver.h"
#include "db/pg_connect.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The driver for PostgreSQL: a connection of libpq, its session, its
 * statements, and COPY. */

#define PG_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"
enum { NAME_MAX_PG = 63, POLL_MS = 200 };

/* A connection runs one command at a time. If the server is still sending the
 * rows of one statement and the program wants to run another command, the
 * remaining rows are first read into memory. */
struct pg {
	PGconn *conn;
	char *url;
	struct db_fault *fault;
	unsigned long opened;   /* how often, also by pg_reopen() */
	struct db_limits limits;
	struct buf script;      /* of wrap_script() */
	struct pg_stmt *busy;   /* the server is sending its rows */
	unsigned long serial;   /* for names of prepared statements */
	PGresult *row;          /* of pg_next_row() or pg_describe() */
	bool begins;            /* BEGIN is to be sent with the next command,
	                         * which saves a round trip */
	bool closes;            /* the connection will be closed next, so the
	                         * server forgets the statements */
	bool pooled;            /* pg_is_pooled() */
	bool copying;           /* the server waits for the data of a COPY */
	bool opening;           /* open_session() is running */
	bool stopped;           /* a signal has ended open_session() */
};

struct pg_stmt {
	struct pg *pg;
	char *sql, name[32];
	unsigned long opened;   /* pg->opened when it was prepared; 0: it is not
	                         * prepared */
	struct pg_args args;
	PGresult *row;
	PGresult **later;       /* rows in memory: [at..n) */
	size_t at, n, room;
	struct db_value *values;
	size_t columns, values_room;
	struct buf bytes;
	int64_t changed;
	bool ran;               /* at least once */
	bool alone;             /* with a pool: the statement has begun a
	                         * transaction for itself alone */
};

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

/* These options change how PostgreSQL reads and writes values. The role, the
 * database or another client of a pool may have set other values. The options
 * are not sent as parameters of the connection, because PgBouncer refuses most
 * of them there. lc_monetary is left as it is: the text of a stored value of
 * type money depends on it. */
static const char *const options[][2] = {
	{ "client_encoding", "UTF8" },
	{ "TimeZone", "UTC" },
	{ "DateStyle", "ISO, YMD" },
	{ "IntervalStyle", "postgres" },
	{ "array_nulls", "on" },
	{ "timezone_abbreviations", "Default" },
	{ "xmloption", "content" },
	{ "extra_float_digits", "1" },
	{ "transform_null_equals", "off" },
	{ "bytea_output", "hex" },
	{ "standard_conforming_strings", "on" },
	{ "default_transaction_isolation", "read committed" },
	{ "tcp_keepalives_idle", "60" },
	{ "tcp_keepalives_interval", "10" },
	{ "tcp_keepalives_count", "6" },
};

/* Appends the setting of a limit; nothing if it is 0. */
static void
put_limit(struct buf *b, const char *name, uint64_t ms, const char *is_local)
{
	if (ms > 0)
		buf_printf(b, ", pg_catalog.set_config('%s', '%" PRIu64 "', "
		    "%s)", name, ms, is_local);
}

/* Appends the first script of a session and the statements that set the
 * options. is_local is an SQL expression: if it is true, they are set only
 * until the end of the transaction. It replaces the placeholder {local} of the
 * first script. The last statement returns its value, 1 or 0, in the first
 * column. */
static void
put_options(struct buf *b, const struct pg *pg, const char *is_local)
{
	static const char placeholder[] = "{local}";
	const char *first = sql_postgresql[SQL_CATALOG_FIRST];
	const char *at = strstr(first, placeholder);

	buf_add(b, first, (size_t)(at - first));
	buf_str(b, is_local);
	buf_str(b, at + strlen(placeholder));
	buf_printf(b, "; SELECT (%s)::int", is_local);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		buf_printf(b, ", pg_catalog.set_config('%s', '%s', %s)",
		    options[i][0], options[i][1], is_local);
	put_limit(b, "lock_timeout", pg->limits.lock, is_local);
	put_limit(b, "statement_timeout", pg->limits.statement,
	    is_local);
}

/* Returns the script with the commands that must come before it. The text is
 * valid until the next call. Returns NULL with *e if memory is out. If
 * pg_begin_with_next() has left a BEGIN, it stands before the script. A pool
 * may run the script in any session: with a pool and outside a transaction, the
 * statements that set the session's options are added. If the script is BEGIN,
 * it stands before the options, because it sets the isolation level, which
 * PostgreSQL allows only before the first query. Any other script stands after
 * the options. The server runs both as one transaction, unless the script
 * itself begins one. */
static const char *
wrap_script(struct pg *pg, const char *script, struct err *e)
{
	bool begins = strncmp(script, "BEGIN", 5) == 0 &&
	    strchr(script, ';') == NULL;
	struct buf *b = &pg->script;

	buf_clear(b);
	if (pg->begins) {
		pg->begins = false;
		buf_printf(b, PG_BEGIN "; %s", script);
		return buf_finish(b, e);
	}
	if (!pg->pooled || PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		return script;
	if (begins)
		buf_printf(b, "%s; ", script);
	put_options(b, pg, "true");
	if (!begins)
		buf_printf(b, "; %s", script);
	return buf_finish(b, e);
}

static const char *
error_field(const PGresult *res, int code)
{
	const char *text = PQresultErrorField(res, code);

	return text == NULL ? "" : text;
}

/* Sets the error and the fault of a connection that was lost. */
static int
set_lost_error(struct pg *pg, const char *state, struct err *e)
{
	fault_clear(pg->fault);
	fault_copy_text(
	    pg->fault->sqlstate, sizeof(pg->fault->sqlstate), state);
	pg->fault->again = pg->fault->lost = true;
	pg->copying = false;
	return fault_set_error(e, ERR_REFUSED, true, "connection lost",
	    PQerrorMessage(pg->conn), "");
}

/* After such an error the server or the pool closes the connection, even if
 * libpq has not noticed this yet. */
static bool
ends_session(const PGresult *res)
{
	const char *s = error_field(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (*s == '\0')
		s = error_field(res, PG_DIAG_SEVERITY); /* of PgBouncer */
	return strcmp(s, "FATAL") == 0 || strcmp(s, "PANIC") == 0;
}

/* For these errors the server's DETAIL names the object that stands in the way:
 * the key of the other row, or the view that uses a column. */
static bool
needs_detail(const char *state)
{
	return strcmp(state, "23505") == 0 || strcmp(state, "23503") == 0 ||
	    strcmp(state, "0A000") == 0 || strcmp(state, "2BP01") == 0;
}

/* Called after a command has failed: sets the error *e, and the details
 * (SQLSTATE, column, constraint) in pg->fault. Frees res, which may be NULL. */
static int
pg_fail(struct pg *pg, PGresult *res, struct err *e)
{
	struct db_fault *f = pg->fault;
	const char *state = error_field(res, PG_DIAG_SQLSTATE), *detail = "";
	enum err_code code;
	bool transient;

	if (PQstatus(pg->conn) == CONNECTION_BAD || ends_session(res)) {
		(void)set_lost_error(pg, state, e);
		PQclear(res);
		return -1;
	}
	fault_clear(f);
	code = fault_set_sqlstate(f, state, &transient);
	fault_copy_text(f->column, sizeof(f->column),
	    error_field(res, PG_DIAG_COLUMN_NAME));
	fault_copy_text(f->constraint, sizeof(f->constraint),
	    error_field(res, PG_DIAG_CONSTRAINT_NAME));
	fault_parse_context(f, error_field(res, PG_DIAG_CONTEXT));
	f->position = strtoll(
	    error_field(res, PG_DIAG_STATEMENT_POSITION), NULL, 10);
	if (needs_detail(state))
		detail = error_field(res, PG_DIAG_MESSAGE_DETAIL);
	(void)fault_set_error(e, code, transient,
	    f->data ? "" : "PostgreSQL",
	    *state == '\0' ? PQerrorMessage(pg->conn) :
	    error_field(res, PG_DIAG_MESSAGE_PRIMARY), detail);
	PQclear(res);
	return -1;
}

void
pg_cancel(struct pg *pg)
{
	PGcancel *cancel;
	char why[64];

	if (pg->opening) {
		(void)shutdown(PQsocket(pg->conn), SHUT_RDWR);
		pg->stopped = true;
	} else if ((cancel = PQgetCancel(pg->conn)) != NULL) {
		(void)PQcancel(cancel, why, sizeof(why));
		PQfreeCancel(cancel);
	}
}

/* Waits for the server's answer. If a signal asks the program to stop, the
 * statement is cancelled. */
static void
wait_answer(struct pg *pg)
{
	struct pollfd in = { PQsocket(pg->conn), POLLIN, 0 };
	struct wait_limit p;

	wait_limit_begin(&p);
	while (PQisBusy(pg->conn) != 0) {
		if (wait_limit_stopped(&p))
			pg_cancel(pg);
		(void)poll(&in, 1, POLL_MS);
		if (PQconsumeInput(pg->conn) == 0)
			return;
	}
}

/* Waits for the last result of a command, as PQexec() does. A signal to stop
 * cancels the command, unless ignores_signals is set: a COMMIT is never
 * cancelled, so that its outcome is known. */
static PGresult *
pg_wait_result(struct pg *pg, bool ignores_signals)
{
	PGresult *res, *last = NULL;
	char *row;

	for (;;) {
		if (!ignores_signals)
			wait_answer(pg);
		if ((res = PQgetResult(pg->conn)) == NULL)
			return last;
		PQclear(last);
		last = res;
		if (PQresultStatus(res) == PGRES_COPY_IN)
			return last;
		while (PQresultStatus(res) == PGRES_COPY_OUT &&
		    PQgetCopyData(pg->conn, &row, 0) > 0)
			PQfreemem(row);
	}
}

/* Runs a script and discards all rows that it returns. Sets pg->copying if the
 * server now waits for the data of a COPY ... FROM STDIN. */
static int
execute(struct pg *pg, const char *sql, struct err *e)
{
	bool commits = strcmp(sql, "COMMIT") == 0;
	ExecStatusType status;
	PGresult *res = NULL;
	const char *script;
	int rc = 0;

	if ((script = wrap_script(pg, sql, e)) == NULL)
		return -1;
	if (PQsendQuery(pg->conn, script) == 1)
		res = pg_wait_result(pg, commits);
	status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
	    status != PGRES_EMPTY_QUERY && status != PGRES_COPY_IN)
		return pg_fail(pg, res, e);
	pg->copying = status == PGRES_COPY_IN;
	if (commits && strcmp(PQcmdStatus(res), sql) != 0)
		rc = err_bug(e, "COMMIT after a failed statement; nothing was "
		    "committed");
	PQclear(res);
	return rc;
}

/* Ends a COPY and the transaction. */
static void
end_transaction(struct pg *pg)
{
	if (pg->copying)
		(void)PQputCopyEnd(pg->conn, "rolled back");
	pg->copying = false;
	if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		PQclear(PQexec(pg->conn, "ROLLBACK"));
}

/* False if the connection is lost, or the transaction has failed. */
static bool
can_run(const struct pg *pg)
{
	return PQstatus(pg->conn) == CONNECTION_OK &&
	    PQtransactionStatus(pg->conn) != PQTRANS_INERROR;
}

/* Called when all answers of a statement have arrived. If stmt_send_pooled()
 * has begun a transaction for this statement alone, ends it. */
static int
stmt_end_own(struct pg_stmt *s, struct err *e)
{
	if (!s->alone)
		return 0;
	s->alone = false;
	if (can_run(s->pg))
		return execute(s->pg, "COMMIT", e);
	end_transaction(s->pg);
	return 0;
}

/* Waits for the next result of the server. Returns NULL after the last one. */
static PGresult *
next_result(struct pg *pg)
{
	wait_answer(pg);
	return PQgetResult(pg->conn);
}

/* Reads the rows that the server is still sending into memory, so that the
 * connection can take a command. */
static int
store_rows(struct pg *pg, struct err *e)
{
	struct pg_stmt *s = pg->busy;
	PGresult *res, **v;

	pg->busy = NULL;
	while (s != NULL && (res = next_result(pg)) != NULL) {
		if (s->n == s->room) {
			s->room = s->room == 0 ? 16 : s->room * 2;
			v = realloc(s->later, s->room * sizeof(*v));
			if (v == NULL) {
				PQclear(res);
				return err_nomem(e);
			}
			s->later = v;
		}
		s->later[s->n++] = res;
	}
	return s == NULL ? 0 : stmt_end_own(s, e);
}

/* Returns 1 if the result is a row, 0 if it is the end of a command (sets
 * *changed), and -1 if the command has failed: then it frees the result. */
static int
check_result(struct pg *pg, PGresult *res, int64_t *changed, struct err *e)
{
	switch (PQresultStatus(res)) {
	case PGRES_SINGLE_TUPLE:
		return 1;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		*changed = strtoll(PQcmdTuples(res), NULL, 10);
		return 0;
	default:
		return pg_fail(pg, res, e);
	}
}

static bool
stmt_is_prepared(const struct pg_stmt *s)
{
	return s->opened == s->pg->opened;
}

/* Gives the statement a new name, so that it counts as not prepared. */
static void
stmt_rename(struct pg_stmt *s)
{
	s->opened = 0;
	(void)snprintf(s->name, sizeof(s->name), "etl_%lu",
	    ++s->pg->serial);
}

static int
pg_stmt_new(void *conn, void **stmt, const char *sql, struct err *e)
{
	struct pg_stmt *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->sql = strdup(sql)) == NULL) {
		free(s);
		return err_nomem(e);
	}
	s->pg = conn;
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
	PGresult *res;
	struct err ignored;

	PQclear(s->row);
	s->row = NULL;
	while (s->at < s->n)
		PQclear(s->later[s->at++]);
	s->at = s->n = 0;
	if (s->pg->busy != s)
		return;
	while ((res = next_result(s->pg)) != NULL)
		PQclear(res);
	s->pg->busy = NULL;
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
	if (!s->pg->closes && stmt_is_prepared(s) &&
	    store_rows(s->pg, &ignored) == 0 && can_run(s->pg))
		(void)execute(s->pg, sql, &ignored);
	pg_args_release(&s->args);
	buf_release(&s->bytes);
	free(s->later);
	free(s->values);
	free(s->sql);
	free(s);
}

int
pg_prepare(struct pg *pg, const char *name, const char *sql,
    const unsigned *types, size_t n, struct err *e)
{
	PGresult *res = NULL;

	if (PQsendPrepare(pg->conn, name, sql, (int)n, types) == 1)
		res = pg_wait_result(pg, false);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(pg, res, e);
	PQclear(res);
	return 0;
}

int
pg_send_prepared(struct pg *pg, const char *name, const struct pg_args *a,
    size_t n, struct err *e)
{
	if (PQsendQueryPrepared(pg->conn, name, (int)n, a->v, a->len,
	    a->format, 0) == 0)
		return pg_fail(pg, NULL, e);
	(void)PQsetSingleRowMode(pg->conn);
	return 0;
}

int
pg_send_unprepared(struct pg *pg, const char *sql, const unsigned *types,
    const struct pg_args *a, size_t n, struct err *e)
{
	if (PQsendQueryParams(pg->conn, sql, (int)n, types, a->v, a->len,
	    a->format, 0) == 0)
		return pg_fail(pg, NULL, e);
	(void)PQsetSingleRowMode(pg->conn);
	return 0;
}

/* Used with a pool. A statement is not prepared, because the pool may run the
 * next transaction in another session. Outside a transaction begins one for
 * this statement alone, because BEGIN also sets the session's options. */
static int
stmt_send_pooled(struct pg_stmt *s, size_t n, struct err *e)
{
	struct pg *pg = s->pg;

	s->alone = PQtransactionStatus(pg->conn) == PQTRANS_IDLE;
	if ((s->alone && execute(pg, PG_BEGIN, e) == -1) ||
	    pg_send_unprepared(pg, s->sql, NULL, &s->args, n, e) == -1) {
		s->alone = false;
		return -1;
	}
	return 0;
}

/* Prepares the statement unless the session knows it already. */
static int
stmt_prepare(struct pg_stmt *s, struct err *e)
{
	if (stmt_is_prepared(s))
		return 0;
	if (pg_prepare(s->pg, s->name, s->sql, NULL, 0, e) == -1)
		return -1;
	s->opened = s->pg->opened;
	return 0;
}

/* Does not prepare a statement that runs for the first time, which saves a
 * round trip: most statements run only once. */
static int
stmt_send(struct pg_stmt *s, size_t n, struct err *e)
{
	struct pg *pg = s->pg;
	bool again = s->ran;

	s->ran = true;
	if (pg->begins && execute(pg, "", e) == -1)
		return -1;
	if (!again && !stmt_is_prepared(s))
		return pg_send_unprepared(pg, s->sql, NULL, &s->args, n, e);
	return stmt_prepare(s, e) == -1 ? -1 :
	    pg_send_prepared(pg, s->name, &s->args, n, e);
}

static int
pg_stmt_prepare(void *stmt, const char **name, struct err *e)
{
	struct pg_stmt *s = stmt;

	*name = s->name;
	return store_rows(s->pg, e) == -1 ? -1 : stmt_prepare(s, e);
}

static int
pg_stmt_start(void *stmt, const struct db_value *v, size_t n, bool ignored,
    struct err *e)
{
	struct pg_stmt *s = stmt;
	struct pg *pg = s->pg;

	if (store_rows(pg, e) == -1 ||
	    pg_args_set(&s->args, v, n, pg->fault, e) == -1 ||
	    (pg->pooled ? stmt_send_pooled : stmt_send)(s, n, e) == -1)
		return -1;
	pg->busy = s;
	return 0;
}

static int
convert_row(struct pg_stmt *s, struct err *e)
{
	size_t n = (size_t)PQnfields(s->row), size = 1;
	struct db_value *v;

	if (n > s->values_room) {
		if ((v = realloc(s->values, n * sizeof(*v))) == NULL)
			return err_nomem(e);
		s->values = v;
		s->values_room = n;
	}
	s->columns = n;
	for (size_t i = 0; i < n; i++)
		size += (size_t)PQgetlength(s->row, 0, (int)i);
	buf_clear(&s->bytes);
	if (!buf_reserve(&s->bytes, size))
		return buf_check(&s->bytes, e);
	for (int i = 0; i < (int)n; i++)
		s->values[i] = PQgetisnull(s->row, 0, i) ? db_text(NULL) :
		    pg_convert_value(PQftype(s->row, i),
		    PQgetvalue(s->row, 0, i),
		    (size_t)PQgetlength(s->row, 0, i), &s->bytes);
	return 1;
}

/* SQLSTATE 0A000 may mean that a table has changed since the statement was
 * prepared. If so, a retry may succeed: the statement will be prepared again
 * under another name. Returns -1. */
static int
note_table_change(struct pg_stmt *s, struct err *e)
{
	if (stmt_is_prepared(s) &&
	    strcmp(s->pg->fault->sqlstate, "0A000") == 0) {
		stmt_rename(s);
		s->pg->fault->again = e->transient = true;
	}
	return -1;
}

static int
pg_stmt_next(void *stmt, struct err *e)
{
	struct pg_stmt *s = stmt;
	struct pg *pg = s->pg;
	int rc;

	do {
		PQclear(s->row);
		s->row = NULL;
		if (s->at < s->n)
			s->row = s->later[s->at++];
		else if (pg->busy == s)
			s->row = next_result(pg);
		if (s->row == NULL) {
			if (pg->busy != s)
				return 0;
			pg->busy = NULL;
			return stmt_end_own(s, e);
		}
		rc = check_result(pg, s->row, &s->changed, e);
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

/* Sets the options of the session. The script returns one row, whose first
 * column is 1 if a pool is between this program and the server, else 0. Without
 * a pool, the server process that runs the script has the process id that the
 * connection was opened with. A pool reports another id, because it changes the
 * server process. In that case the script sets the options only for its own
 * transaction, so that no other client of the pool gets them. It is one script,
 * to save a round trip. Sets *res to the answer, or to NULL if the connection
 * is lost. Fails only if memory is out. */
static int
start_session(struct pg *pg, PGresult **res, struct err *e)
{
	char other[64];
	struct buf sql;
	int rc;

	(void)snprintf(other, sizeof(other), "pg_catalog.pg_backend_pid() "
	    "OPERATOR(pg_catalog.<>) %d", PQbackendPID(pg->conn));
	buf_init(&sql, SIZE_MAX / 4);
	put_options(&sql, pg, other);
	(void)buf_text(&sql);
	*res = NULL;
	rc = buf_check(&sql, e);
	if (rc == 0 && PQsendQuery(pg->conn, sql.data) == 1)
		*res = pg_wait_result(pg, false);
	buf_release(&sql);
	return rc;
}

bool
pg_is_pooled(const struct pg *pg)
{
	return pg->pooled;
}

static int
pg_set_limits(void *conn, const struct db_limits *limits, struct err *e)
{
	struct pg *pg = conn;
	PGresult *res;

	if (store_rows(pg, e) == -1)
		return -1;
	pg->limits = *limits;
	if (pg->pooled)
		return 0;
	if (start_session(pg, &res, e) == -1)
		return -1;
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		return pg_fail(pg, res, e);
	PQclear(res);
	return 0;
}

/* Connects to the server and sets the options of the session. */
static int
open_session(struct pg *pg, struct err *e)
{
	PGresult *res;
	int rc;

	if (pg_connect(&pg->conn, pg->url, pg->fault, e) == -1)
		return -1;
	pg->opened++;
	pg->opening = true;
	pg->stopped = false;
	rc = start_session(pg, &res, e);
	pg->opening = false;
	if (rc == -1)
		return -1;
	if (PQresultStatus(res) != PGRES_TUPLES_OK) {
		(void)pg_fail(pg, res, e);
		return pg->stopped ? pg_connect_stopped(e) : -1;
	}
	pg->pooled = *PQgetvalue(res, 0, 0) == '1';
	PQclear(res);
	return 0;
}

static void
pg_start_close(void *conn)
{
	struct pg *pg = conn;

	pg->closes = true;
}

/* With a pool, rolls back the transaction that is open. If a client leaves a
 * transaction open, PgBouncer closes the session. */
static void
pg_close(void *conn)
{
	struct pg *pg = conn;
	PGTransactionStatusType now;

	if (pg == NULL)
		return;
	now = PQtransactionStatus(pg->conn);
	if (pg->pooled && (now == PQTRANS_INTRANS || now == PQTRANS_INERROR))
		PQclear(PQexec(pg->conn, "ROLLBACK"));
	PQclear(pg->row);
	PQfinish(pg->conn);
	buf_release(&pg->script);
	free(pg->url);
	free(pg);
}

static int
pg_open(void **conn, const char *url, bool ignored, struct db_fault *fault,
    struct err *e)
{
	struct pg *pg;

	if (pg_check_url(url, e) == -1)
		return -1;
	pg = calloc(1, sizeof(*pg));
	if (pg == NULL || (pg->url = strdup(url)) == NULL) {
		free(pg);
		return err_nomem(e);
	}
	pg->fault = fault;
	buf_init(&pg->script, SIZE_MAX / 4);
	if (open_session(pg, e) == 0) {
		*conn = pg;
		return 0;
	}
	pg_close(pg);
	return -1;
}

static int
pg_reopen(void *conn, struct err *e)
{
	struct pg *pg = conn;

	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->busy = NULL;
	pg->begins = pg->copying = false;
	return open_session(pg, e);
}

static void
pg_put_name(void *conn, struct buf *b)
{
	const struct pg *pg = conn;
	const struct pg_place p = { .user = PQuser(pg->conn),
		.host = PQhost(pg->conn), .port = PQport(pg->conn),
		.database = PQdb(pg->conn) };

	pg_name_put(b, &p);
}

static int
pg_run_script(void *conn, const char *sql, struct err *e)
{
	struct pg *pg = conn;

	if (store_rows(pg, e) == -1)
		return -1;
	if (strcmp(sql, "COMMIT") == 0 && pg->begins) {
		pg->begins = false;     /* nothing was done */
		return 0;
	}
	if (execute(pg, sql, e) == -1)
		return -1;
	if (!pg->copying)
		return 0;
	end_transaction(pg);
	return err_set(e, ERR_CONFIG, false, "COPY ... FROM STDIN cannot be "
	    "used in a script, which has no data for it: use INSERT");
}

/* A pool may begin the transaction in any session, and execute() sets the
 * options of that session together with BEGIN. So with a pool, BEGIN is sent at
 * once. */
static int
pg_begin_with_next(void *conn, struct err *e)
{
	struct pg *pg = conn;

	if (store_rows(pg, e) == -1)
		return -1;
	if (pg->pooled)
		return execute(pg, PG_BEGIN, e);
	pg->begins = true;
	return 0;
}

static void
pg_rollback(void *conn)
{
	struct pg *pg = conn;
	struct err ignored;

	(void)store_rows(pg, &ignored);
	pg->begins = false;
	end_transaction(pg);
}

static int
pg_copy_begin(void *conn, const char *sql, struct err *e)
{
	return store_rows(conn, e) == -1 ? -1 : execute(conn, sql, e);
}

static int
pg_copy_data(void *conn, const char *p, size_t n, struct err *e)
{
	struct pg *pg = conn;
	size_t part;

	for (; n > 0; p += part, n -= part) {
		part = n > INT_MAX ? INT_MAX : n;
		if (PQputCopyData(pg->conn, p, (int)part) != 1)
			return pg_fail(pg, NULL, e);
	}
	return 0;
}

static int
pg_copy_end(void *conn, int64_t *rows, struct err *e)
{
	struct pg *pg = conn;
	PGresult *res;

	pg->copying = false;
	if (PQputCopyEnd(pg->conn, NULL) != 1)
		return pg_fail(pg, NULL, e);
	res = pg_wait_result(pg, false);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(pg, res, e);
	if (rows != NULL)
		*rows = strtoll(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return 0;
}

static int
pg_copy_end_script(void *conn, int64_t *numbers, size_t n, struct err *e)
{
	struct pg *pg = conn;
	PGresult *res, *failed = NULL;
	bool found = false;

	pg->copying = false;
	if (PQputCopyEnd(pg->conn, NULL) != 1)
		return pg_fail(pg, NULL, e);
	while ((res = next_result(pg)) != NULL) {
		if (PQresultStatus(res) == PGRES_TUPLES_OK &&
		    PQntuples(res) == 1 && PQnfields(res) == (int)n) {
			for (int i = 0; i < (int)n; i++)
				numbers[i] = strtoll(
				    PQgetvalue(res, 0, i), NULL, 10);
			found = true;
		} else if (PQresultStatus(res) != PGRES_COMMAND_OK &&
		    failed == NULL) {
			failed = res;
			continue;
		}
		PQclear(res);
	}
	return found && failed == NULL ? 0 : pg_fail(pg, failed, e);
}

const struct driver driver_pg = {
	.kind = DB_POSTGRESQL,
	.sql = sql_postgresql,
	.name_max = NAME_MAX_PG,
	.begin = PG_BEGIN,
	.begin_with_next = pg_begin_with_next,
	.check = pg_check_url,
	.open = pg_open,
	.start_close = pg_start_close, .close = pg_close,
	.reopen = pg_reopen,
	.set_limits = pg_set_limits,
	.name = pg_put_name,
	.script = pg_run_script,
	.rollback = pg_rollback,
	.prepare = pg_stmt_new,
	.start = pg_stmt_start,
	.next = pg_stmt_next,
	.columns = pg_stmt_columns,
	.column = pg_stmt_column,
	.changed = pg_stmt_changed,
	.reset = pg_stmt_reset,
	.drop = pg_stmt_drop,
	.copy_begin = pg_copy_begin,
	.copy_data = pg_copy_data,
	.copy_end = pg_copy_end,
	.copy_end_script = pg_copy_end_script,
	.prepare_for_script = pg_stmt_prepare,
};

int
pg_describe(struct pg *pg, const char *name, size_t *columns, struct err *e)
{
	PGresult *res = NULL;

	if (PQsendDescribePrepared(pg->conn, name) == 1)
		res = pg_wait_result(pg, false);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(pg, res, e);
	PQclear(pg->row);
	pg->row = res;
	*columns = (size_t)PQnfields(res);
	return 0;
}

struct pg_column
pg_get_column(const struct pg *pg, size_t i)
{
	return (struct pg_column){ .name = PQfname(pg->row, (int)i),
	    .type = PQftype(pg->row, (int)i),
	    .typmod = PQfmod(pg->row, (int)i) };
}

int
pg_next_row(struct pg *pg, struct err *e)
{
	int64_t changed;
	int rc;

	do {
		PQclear(pg->row);
		if ((pg->row = next_result(pg)) == NULL)
			return 0;
		rc = check_result(pg, pg->row, &changed, e);
	} while (rc == 0);
	if (rc == -1)
		pg->row = NULL;
	return rc;
}

const char *
pg_get_value(const struct pg *pg, size_t i, size_t *len)
{
	*len = (size_t)PQgetlength(pg->row, 0, (int)i);
	return PQgetisnull(pg->row, 0, (int)i) ? NULL :
	    PQgetvalue(pg->row, 0, (int)i);
}

bool
pg_answer_is_ready(struct pg *pg)
{
	if (PQisBusy(pg->conn) == 0)
		return true;
	return PQconsumeInput(pg->conn) == 0 || PQisBusy(pg->conn) == 0;
}

int
pg_socket(const struct pg *pg)
{
	return PQsocket(pg->conn);
}
