#include "db/pg.h"

#include "base/buf.h"
#include "db/driver.h"
#include "db/pg_connect.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The connection of libpq behind struct pg, for the files that implement pg.h.
 * Gives: pg_wait_result() waits for the last result of a command, as PQexec()
 *        does. NULL means that the connection is lost. A signal to stop cancels
 *        the command, unless ignores_signals is set.
 * Fails: pg_fail() sets *e and the fault from a failed result, which may be
 *        NULL, and frees the result. It returns -1. */

struct pg {
	PGconn *conn;
	char *url;
	const char *first_sql;  /* script for a new session */
	struct db_fault *fault;
	unsigned long opened;   /* how often */
	struct db_limits limits;
	struct buf script;      /* of pg_session_wrap() */
	bool pooled;            /* pg_is_pooled() */
	bool copying;
	bool opening; /* open_session() is running */
	bool stopped; /* a signal has ended open_session() */
};

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

/* Appends the script first_sql. Replaces its placeholder {local} by is_local,
 * an SQL expression that is true if an option must be set only until the end of
 * the transaction. */
static void
put_first_sql(struct buf *b, const struct pg *pg, const char *is_local)
{
	static const char placeholder[] = "{local}";
	const char *at = strstr(pg->first_sql, placeholder);

	if (at == NULL) {
		buf_str(b, pg->first_sql);
		return;
	}
	buf_add(b, pg->first_sql, (size_t)(at - pg->first_sql));
	buf_str(b, is_local);
	buf_str(b, at + strlen(placeholder));
}

static void
append_set_config(struct buf *b, const char *name, const char *value,
    const char *is_local)
{
	buf_printf(b, ", pg_catalog.set_config('%s', '%s', %s)", name, value,
	    is_local);
}

/* Appends the setting of a limit; nothing if it is 0. */
static void
put_limit(struct buf *b, const char *name, uint64_t ms, const char *is_local)
{
	if (ms > 0)
		buf_printf(b, ", pg_catalog.set_config('%s', '%" PRIu64 "', "
		    "%s)", name, ms, is_local);
}

/* Appends the statements that set the options. is_local is an SQL expression:
 * if it is true, they are set only until the end of the transaction. The last
 * statement returns its value, 1 or 0, in the first column. */
static void
put_options(struct buf *b, const struct pg *pg, const char *is_local)
{
	put_first_sql(b, pg, is_local);
	buf_printf(b, "; SELECT (%s)::int", is_local);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		append_set_config(b, options[i][0], options[i][1], is_local);
	put_limit(b, "lock_timeout", pg->limits.lock, is_local);
	put_limit(b, "statement_timeout", pg->limits.statement,
	    is_local);
}

/* Appends the script that sets the options of a session. The script returns one
 * row, whose first column is 1 if a pool is between this program and the
 * server, else 0. The script finds out whether a pool is between this program
 * and the server. If it is not, the server process that runs the script has the
 * process id that the connection was opened with. A pool reports another id,
 * because it changes the server process. In that case the script sets the
 * options only for its own transaction, so that no other client of the pool
 * gets them. It is one script, to save a round trip. */
static void
pg_session_put(struct buf *b, const struct pg *pg)
{
	char other[64];

	(void)snprintf(other, sizeof(other), "pg_catalog.pg_backend_pid() "
	    "OPERATOR(pg_catalog.<>) %d", PQbackendPID(pg->conn));
	put_options(b, pg, other);
}

/* Returns the script as it is, unless a pool may run it in any session: with a
 * pool and outside a transaction returns the script together with the
 * statements that set the session's options. The text is valid until the next
 * call. Returns NULL with *e if memory is out. If the script is BEGIN, it
 * stands before the options, because it sets the isolation level, which
 * PostgreSQL allows only before the first query. Any other script stands after
 * the options. The server runs both as one transaction, unless the script
 * itself begins one. */
static const char *
pg_session_wrap(struct pg *pg, const char *script, struct err *e)
{
	bool begins = strncmp(script, "BEGIN", 5) == 0 &&
	    strchr(script, ';') == NULL;
	struct buf *b = &pg->script;

	if (!pg->pooled || PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		return script;
	buf_clear(b);
	if (begins)
		buf_printf(b, "%s; ", script);
	put_options(b, pg, "true");
	if (!begins)
		buf_printf(b, "; %s", script);
	return buf_finish(b, e);
}

enum { POLL_MS = 200 };

/* struct pg_answer is libpq's PGresult under a name for files that do not
 * include libpq's header. */
static PGresult *
pg_as_pgresult(const struct pg_answer *a)
{
	return (PGresult *)(uintptr_t)a;
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

/* Sets *res to the answer, or to NULL if the connection is lost. Fails only if
 * memory is out. */
static int
start_session(struct pg *pg, PGresult **res, struct err *e)
{
	struct buf sql;
	int rc;

	buf_init(&sql, SIZE_MAX / 4);
	pg_session_put(&sql, pg);
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

int
pg_set_limits(struct pg *pg, const struct db_limits *limits, struct err *e)
{
	PGresult *res;

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

/* With a pool, rolls back the transaction that is open. If a client leaves a
 * transaction open, PgBouncer closes the session. */
static void
rollback_pooled(struct pg *pg)
{
	PGTransactionStatusType now = PQtransactionStatus(pg->conn);

	if (pg->pooled && (now == PQTRANS_INTRANS || now == PQTRANS_INERROR))
		PQclear(PQexec(pg->conn, "ROLLBACK"));
}

void
pg_close(struct pg *pg)
{
	if (pg == NULL)
		return;
	rollback_pooled(pg);
	PQfinish(pg->conn);
	buf_release(&pg->script);
	free(pg->url);
	free(pg);
}

int
pg_open(struct pg **out, const char *url, const char *first_sql,
    struct db_fault *fault, struct err *e)
{
	struct pg *pg;

	if (pg_check_url(url, e) == -1)
		return -1;
	pg = calloc(1, sizeof(*pg));
	if (pg == NULL || (pg->url = strdup(url)) == NULL) {
		free(pg);
		return err_nomem(e);
	}
	pg->first_sql = first_sql;
	pg->fault = fault;
	buf_init(&pg->script, SIZE_MAX / 4);
	if (open_session(pg, e) == 0) {
		*out = pg;
		return 0;
	}
	pg_close(pg);
	return -1;
}

int
pg_reopen(struct pg *pg, struct err *e)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->copying = false;
	return open_session(pg, e);
}

void
pg_put_name(const struct pg *pg, struct buf *b)
{
	const struct pg_place p = { .user = PQuser(pg->conn),
		.host = PQhost(pg->conn), .port = PQport(pg->conn),
		.database = PQdb(pg->conn) };

	pg_name_put(b, &p);
}

unsigned long
pg_count_opens(const struct pg *pg)
{
	return pg->opened;
}

int
pg_exec(struct pg *pg, const char *sql, bool *copy_in_began, struct err *e)
{
	bool commits = strcmp(sql, "COMMIT") == 0;
	ExecStatusType status;
	PGresult *res = NULL;
	const char *script;
	int rc = 0;

	if ((script = pg_session_wrap(pg, sql, e)) == NULL)
		return -1;
	if (PQsendQuery(pg->conn, script) == 1)
		res = pg_wait_result(pg, commits);
	status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
	    status != PGRES_EMPTY_QUERY && status != PGRES_COPY_IN)
		return pg_fail(pg, res, e);
	pg->copying = *copy_in_began = status == PGRES_COPY_IN;
	if (commits && strcmp(PQcmdStatus(res), sql) != 0)
		rc = err_bug(e, "COMMIT after a failed statement; nothing was "
		    "committed");
	PQclear(res);
	return rc;
}

void
pg_rollback(struct pg *pg)
{
	if (pg->copying)
		(void)PQputCopyEnd(pg->conn, "rolled back");
	pg->copying = false;
	if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		PQclear(PQexec(pg->conn, "ROLLBACK"));
}

bool
pg_is_in_transaction(const struct pg *pg)
{
	return PQtransactionStatus(pg->conn) != PQTRANS_IDLE;
}

bool
pg_can_run(const struct pg *pg)
{
	return PQstatus(pg->conn) == CONNECTION_OK &&
	    PQtransactionStatus(pg->conn) != PQTRANS_INERROR;
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

struct pg_answer *
pg_next_answer(struct pg *pg)
{
	wait_answer(pg);
	return (struct pg_answer *)(void *)PQgetResult(pg->conn);
}

void
pg_answer_free(struct pg_answer *a)
{
	PQclear(pg_as_pgresult(a));
}

int
pg_answer_status(struct pg *pg, struct pg_answer *a, int64_t *changed,
    struct err *e)
{
	switch (PQresultStatus(pg_as_pgresult(a))) {
	case PGRES_SINGLE_TUPLE:
		return 1;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		*changed = strtoll(PQcmdTuples(pg_as_pgresult(a)), NULL, 10);
		return 0;
	default:
		return pg_fail(pg, pg_as_pgresult(a), e);
	}
}

int
pg_copy_data(struct pg *pg, const char *p, size_t n, struct err *e)
{
	size_t part;

	for (; n > 0; p += part, n -= part) {
		part = n > INT_MAX ? INT_MAX : n;
		if (PQputCopyData(pg->conn, p, (int)part) != 1)
			return pg_fail(pg, NULL, e);
	}
	return 0;
}

int
pg_copy_end(struct pg *pg, int64_t *rows, struct err *e)
{
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

static void
read_numbers(const PGresult *res, int64_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		numbers[i] = strtoll(PQgetvalue(res, 0, (int)i), NULL, 10);
}

int
pg_copy_end_script(struct pg *pg, int64_t *numbers, size_t n, struct err *e)
{
	PGresult *res, *failed = NULL;
	bool found = false;

	pg->copying = false;
	if (PQputCopyEnd(pg->conn, NULL) != 1)
		return pg_fail(pg, NULL, e);
	while ((res = pg_as_pgresult(pg_next_answer(pg))) != NULL) {
		if (PQresultStatus(res) == PGRES_TUPLES_OK &&
		    PQntuples(res) == 1 && PQnfields(res) == (int)n) {
			read_numbers(res, numbers, n);
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

int
pg_describe(struct pg *pg, const char *name, struct pg_answer **a,
    struct err *e)
{
	PGresult *res = NULL;

	if (PQsendDescribePrepared(pg->conn, name) == 1)
		res = pg_wait_result(pg, false);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return pg_fail(pg, res, e);
	*a = (struct pg_answer *)(void *)res;
	return 0;
}

const char *
pg_column_name(const struct pg_answer *a, size_t i)
{
	return PQfname(pg_as_pgresult(a), (int)i);
}

unsigned
pg_column_type(const struct pg_answer *a, size_t i)
{
	return PQftype(pg_as_pgresult(a), (int)i);
}

int
pg_column_typmod(const struct pg_answer *a, size_t i)
{
	return PQfmod(pg_as_pgresult(a), (int)i);
}

size_t
pg_count_columns(const struct pg_answer *a)
{
	return (size_t)PQnfields(pg_as_pgresult(a));
}

const char *
pg_column_value(const struct pg_answer *a, size_t i, size_t *len, unsigned *oid)
{
	const PGresult *res = pg_as_pgresult(a);

	*len = (size_t)PQgetlength(res, 0, (int)i);
	*oid = PQftype(res, (int)i);
	return PQgetisnull(res, 0, (int)i) ? NULL :
	    PQgetvalue(res, 0, (int)i);
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
