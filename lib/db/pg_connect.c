#include "db/pg_connect.h"

#include "base/clock.h"
#include "base/stop.h"
#include "db/pg_hosts.h"

#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 200, PLACE = 512, TEXT = 64 << 10 };

/* A connection that is being opened. PQconnectPoll() knows no time limit and
 * cannot be told to skip an address. So if an address takes too long, the
 * connection is started again without that address. */
struct way {
	PGconn *conn;
	PQconninfoOption *options;      /* all that are in effect */
	struct patience patience;
	int64_t limit, until;   /* ms for each address, 0: no limit */
	char place[PLACE];      /* the address that until is for */
	struct hosts hosts;     /* read when the first one was late */
	struct buf late;        /* what is to be said of those */
};

int
pg_check(const char *url, struct err *e)
{
	char *why = NULL;
	PQconninfoOption *all = PQconninfoParse(url, &why), *o = all;
	int rc = 0;

	if (all == NULL)
		rc = why == NULL ? err_nomem(e) : fault_address(e, why);
	for (; rc == 0 && o != NULL && o->keyword != NULL; o++)
		rc = fault_option(e, o->keyword, o->val);
	PQconninfoFree(all);
	PQfreemem(why);
	return rc;
}

static void
quiet(void *arg, const char *message)
{
}

static const char *
option(const struct way *w, const char *name)
{
	const PQconninfoOption *o = w->options;

	while (o->keyword != NULL && strcmp(o->keyword, name) != 0)
		o++;
	return o->val;
}

/* Reads connect_timeout as libpq does: 0 means no limit, and 1 means 2
 * seconds. */
static int
limit_read(struct way *w, struct err *e)
{
	const char *text = option(w, "connect_timeout");
	char *end;
	long n;

	if (text == NULL)
		return 0;
	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || end[strspn(end, " \t\n\r\f\v")] != '\0' ||
	    errno != 0 || n < INT_MIN || n > INT_MAX)
		return err_set(e, ERR_CONFIG, false, "cannot connect: invalid "
		    "integer value \"%.40s\" for connect_timeout, which is a "
		    "number of seconds", text);
	if (n > 0)
		w->limit = (n == 1 ? 2 : n) * (int64_t)1000;
	return 0;
}

/* Gives each address the whole time limit. */
static void
limit_set(struct way *w)
{
	char place[PLACE];

	(void)snprintf(place, sizeof(place), "%s %s %s", PQhost(w->conn),
	    PQhostaddr(w->conn), PQport(w->conn));
	if (strcmp(place, w->place) == 0)
		return;
	memcpy(w->place, place, sizeof(place));
	w->until = clock_ms() + w->limit;
}

enum end { MADE, FAILED, LATE, STOPPED };

/* MADE: it can go on. */
static enum end
await(struct way *w, short events)
{
	struct pollfd p = { PQsocket(w->conn), events, 0 };
	int64_t left = POLL_MS;
	int n;

	do {
		if (patience_over(&w->patience))
			return STOPPED;
		if (w->limit > 0)
			left = w->until - clock_ms();
		if (left < 0)
			left = 0;
		n = poll(&p, 1, left < POLL_MS ? (int)left : POLL_MS);
		if (n > 0 || (n == -1 && errno != EINTR))
			return MADE;    /* a failure libpq will tell */
	} while (left > 0);
	return LATE;
}

static enum end
follow(struct way *w, PostgresPollingStatusType (*poll_next)(PGconn *))
{
	PostgresPollingStatusType now = PGRES_POLLING_WRITING;
	enum end end = MADE;

	if (PQstatus(w->conn) == CONNECTION_BAD)
		return FAILED;
	while (end == MADE && now != PGRES_POLLING_OK) {
		limit_set(w);
		end = await(w, now == PGRES_POLLING_READING ? POLLIN :
		    POLLOUT);
		if (end == MADE)
			now = poll_next(w->conn);
		if (now == PGRES_POLLING_FAILED)
			end = FAILED;
	}
	return end;
}

/* What libpq would tell of this address begins its message already. */
static void
late_tell(struct way *w)
{
	const char *text = PQerrorMessage(w->conn), *last;
	size_t n;

	last = strrchr(text, '\n');
	last = last != NULL ? last + 1 : text;
	n = strlen(last);
	if (w->late.len > 0)
		buf_str(&w->late, "; ");
	if (n > 2 && strcmp(last + n - 2, ": ") == 0)
		buf_str(&w->late, last);
	else
		buf_printf(&w->late, "%s, port %s: ", PQhost(w->conn),
		    PQport(w->conn));
	buf_printf(&w->late, "no answer within %lld seconds (connect_timeout)",
	    (long long)w->limit / 1000);
}

/* Starts the connection again with the addresses that are left. */
static int
restart_without_late_address(struct way *w, struct err *e)
{
	static const char *const lists[] = { "host", "hostaddr", "port" };
	const char **keys, **values;
	struct buf b[3];
	size_t n = 0;

	while (w->options[n].keyword != NULL)
		n++;
	keys = calloc(n + 1, sizeof(*keys));
	values = calloc(n + 1, sizeof(*values));
	for (size_t i = 0; i < 3; i++)
		buf_init(&b[i], TEXT);
	hosts_put(&w->hosts, &b[0], &b[1], &b[2]);
	if (keys == NULL || values == NULL) {
		(void)err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		keys[i] = w->options[i].keyword;
		values[i] = w->options[i].val;
		for (size_t k = 0; k < 3; k++)
			if (strcmp(keys[i], lists[k]) == 0)
				values[i] = buf_text(&b[k]);
	}
	if (buf_check(&b[0], e) == 0 && buf_check(&b[1], e) == 0 &&
	    buf_check(&b[2], e) == 0 &&
	    (w->conn = PQconnectStartParams(keys, values, 0)) == NULL)
		(void)err_nomem(e);
out:
	for (size_t i = 0; i < 3; i++)
		buf_release(&b[i]);
	free(values);
	free(keys);
	return w->conn == NULL ? -1 : 0;
}

/* On to the next address. 1, 0 there is none, -1. */
static int
way_next(struct way *w, struct err *e)
{
	late_tell(w);
	if (w->hosts.v == NULL && hosts_read(&w->hosts, option(w, "host"),
	    option(w, "hostaddr"), option(w, "port"), e) == -1)
		return -1;
	hosts_drop(&w->hosts, PQhost(w->conn), PQhostaddr(w->conn),
	    PQport(w->conn));
	PQfinish(w->conn);
	w->conn = NULL;
	w->place[0] = '\0';
	if (w->hosts.n == 0)
		return 0;
	return restart_without_late_address(w, e) == -1 ? -1 : 1;
}

/* A server that refuses a connection says why in its own language. Only a
 * second try reports the SQLSTATE: libpq can be told to do so
 * (PQERRORS_SQLSTATE) only once the connection object exists. Returns 0 if
 * the second try succeeds. */
static int
connect_fail(struct way *w, struct db_fault *fault, struct err *e)
{
	const char *text = PQerrorMessage(w->conn);
	enum err_code code = fault_libpq(text);
	bool transient = code == ERR_NONE, late = w->late.len > 0;
	enum end end;

	(void)fault_say(e, transient ? ERR_REFUSED : code, transient,
	    "cannot connect", late ? buf_text(&w->late) : text,
	    late ? text : "");
	if (!transient || late || strstr(text, ":  ") == NULL)
		return -1;
	(void)PQsetErrorVerbosity(w->conn, PQERRORS_SQLSTATE);
	w->place[0] = '\0';
	end = PQresetStart(w->conn) == 1 ? follow(w, PQresetPoll) : FAILED;
	(void)PQsetErrorVerbosity(w->conn, PQERRORS_DEFAULT);
	if (end == FAILED)
		fault_refusal(fault, PQerrorMessage(w->conn), e);
	return end == MADE ? 0 : -1;
}

int
pg_connect_stopped(struct err *e)
{
	return err_set(e, ERR_REFUSED, true, "cannot connect: SIG%s came "
	    "before the server's answer", sigabbrev_np(stop_signal()));
}

static int
way_go(struct way *w, struct db_fault *fault, struct err *e)
{
	enum end end;
	int more = 1;

	w->options = PQconninfo(w->conn);
	if (w->options == NULL)
		return err_nomem(e);
	if (PQstatus(w->conn) != CONNECTION_BAD && limit_read(w, e) == -1)
		return -1;
	while ((end = follow(w, PQconnectPoll)) == LATE &&
	    (more = way_next(w, e)) == 1)
		continue;
	if (end == MADE)
		return 0;
	if (end == FAILED)
		return connect_fail(w, fault, e);
	if (end == STOPPED)
		return pg_connect_stopped(e);
	return more == -1 ? -1 : fault_say(e, ERR_REFUSED, true,
	    "cannot connect", buf_text(&w->late), "");
}

/* Options before dbname are overridden by the URL, but would override
 * variables of the environment. So only options that no variable sets are
 * given. */
int
pg_connect(struct pg_conn **conn, const char *url, struct db_fault *fault,
    struct err *e)
{
	const char *env = getenv("PGCONNECT_TIMEOUT");
	const char *keys[] = { "fallback_application_name", "client_encoding",
	    "keepalives_idle", "keepalives_interval", "keepalives_count",
	    "tcp_user_timeout", "connect_timeout", "dbname", NULL };
	const char *values[] = { program_invocation_short_name, "UTF8",
	    "60", "10", "6", "120000", env != NULL ? env : "30", url, NULL };
	struct way w = { 0 };
	int rc;

	*conn = NULL;
	fault_clear(fault);
	patience_begin(&w.patience);
	buf_init(&w.late, TEXT);
	w.conn = PQconnectStartParams(keys, values, 1);
	rc = w.conn == NULL ? err_nomem(e) : way_go(&w, fault, e);
	PQconninfoFree(w.options);
	hosts_release(&w.hosts);
	buf_release(&w.late);
	if (rc == 0) {
		(void)PQsetNoticeProcessor(w.conn, quiet, NULL);
		*conn = w.conn;
		return 0;
	}
	PQfinish(w.conn);
	fault->again = e->transient;
	fault->lost = true;
	return -1;
}
