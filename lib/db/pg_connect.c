#include "db/pg_connect.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { POLL_MS = 200, PLACE = 512, TEXT = 64 << 10 };

/* An attempt to connect to a server that may have several addresses. libpq's
 * PQconnectPoll() has no time limit and cannot skip an address. So if one
 * address does not answer in time, the connection is started again with the
 * other addresses. */
struct attempt {
	PGconn *conn;
	PQconninfoOption *options;      /* all options of the connection */
	struct wait_limit wait_limit;
	int64_t limit;          /* the limit for each address in ms; 0: no
	                         * limit */
	int64_t until;          /* clock_ms() when this address is late */
	char place[PLACE];      /* the address that `until` is for */
	struct hosts hosts;     /* set when the first address is late */
	struct buf late;        /* the message about all late addresses */
};

int
pg_check_url(const char *url, struct err *e)
{
	char *why = NULL;
	PQconninfoOption *all = PQconninfoParse(url, &why), *o = all;
	int rc = 0;

	if (all == NULL)
		rc = why == NULL ? err_nomem(e) : fault_bad_address(e, why);
	for (; rc == 0 && o != NULL && o->keyword != NULL; o++)
		rc = fault_check_option(e, o->keyword, o->val);
	PQconninfoFree(all);
	PQfreemem(why);
	return rc;
}

/* True if the URL itself sets this parameter of libpq, for example "port". */
static bool
pg_url_has(const char *url, const char *name)
{
	PQconninfoOption *all = PQconninfoParse(url, NULL), *o = all;
	bool found;

	while (o != NULL && o->keyword != NULL && strcmp(o->keyword, name) != 0)
		o++;
	found = o != NULL && o->val != NULL;
	PQconninfoFree(all);
	return found;
}

static void
ignore_notice(void *arg, const char *message)
{
}

static const char *
get_option_value(const struct attempt *w, const char *name)
{
	const PQconninfoOption *o = w->options;

	while (o->keyword != NULL && strcmp(o->keyword, name) != 0)
		o++;
	return o->val;
}

/* Reads connect_timeout as libpq does: 0 means no limit, and 1 means 2
 * seconds. */
static int
read_timeout(struct attempt *w, struct err *e)
{
	const char *text = get_option_value(w, "connect_timeout");
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

/* libpq tries the addresses of a server one after the other. If libpq has gone
 * on to another address since the last call, the time limit starts again, so
 * that each address gets the whole time. */
static void
restart_limit(struct attempt *w)
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

/* Waits until libpq's socket can be read or written. Returns MADE if it can,
 * LATE if the time for this address is over, and STOPPED if a signal has asked
 * the program to stop. */
static enum end
wait_socket(struct attempt *w, short events)
{
	struct pollfd p = { PQsocket(w->conn), events, 0 };
	int64_t left = POLL_MS;
	int n;

	do {
		if (wait_limit_stopped(&w->wait_limit))
			return STOPPED;
		if (w->limit > 0)
			left = w->until - clock_ms();
		if (left < 0)
			left = 0;
		n = poll(&p, 1, left < POLL_MS ? (int)left : POLL_MS);
		if (n > 0 || (n == -1 && errno != EINTR))
			return MADE;    /* libpq reports a failure of the
			                 * socket */
	} while (left > 0);
	return LATE;
}

/* Runs libpq's state machine until the connection is open or has failed. */
static enum end
poll_connection(struct attempt *w,
    PostgresPollingStatusType (*poll_next)(PGconn *))
{
	PostgresPollingStatusType now = PGRES_POLLING_WRITING;
	enum end end = MADE;

	if (PQstatus(w->conn) == CONNECTION_BAD)
		return FAILED;
	while (end == MADE && now != PGRES_POLLING_OK) {
		restart_limit(w);
		end = wait_socket(w,
		    now == PGRES_POLLING_READING ? POLLIN : POLLOUT);
		if (end == MADE)
			now = poll_next(w->conn);
		if (now == PGRES_POLLING_FAILED)
			end = FAILED;
	}
	return end;
}

/* Appends "ADDRESS: no answer within N seconds" to w->late, a list of the
 * server addresses that took too long. If the last line of libpq's error text
 * ends with ": ", libpq has written the address there but no cause, so this
 * line is used for ADDRESS. Otherwise host and port are written. */
static void
note_late_address(struct attempt *w)
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

/* Starts a connection to the server addresses in w->hosts. The caller has
 * removed the address that took too long from this list, and has closed the
 * earlier connection. */
static int
connect_remaining(struct attempt *w, struct err *e)
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

/* Called if the current server address took too long: closes the connection and
 * starts it again with the remaining addresses. Returns 1 if it was started, 0
 * if no address remains, and -1 on failure. */
static int
drop_late_address(struct attempt *w, struct err *e)
{
	note_late_address(w);
	if (w->hosts.v == NULL &&
	    hosts_resolve(&w->hosts, get_option_value(w, "host"),
	    get_option_value(w, "hostaddr"), get_option_value(w, "port"),
	    e) == -1)
		return -1;
	hosts_remove(&w->hosts, PQhost(w->conn), PQhostaddr(w->conn),
	    PQport(w->conn));
	PQfinish(w->conn);
	w->conn = NULL;
	w->place[0] = '\0';
	if (w->hosts.n == 0)
		return 0;
	return connect_remaining(w, e) == -1 ? -1 : 1;
}

/* Sets the error of a connection that has failed. A server that refuses a
 * connection gives the reason as a text in its own language, which the program
 * cannot interpret. libpq reports the SQLSTATE (error code) only with the
 * setting PQERRORS_SQLSTATE, and this setting needs a connection object, which
 * exists only after the first try. So this function connects a second time.
 * Returns 0 if the second try succeeds. */
static int
retry_for_sqlstate(struct attempt *w, struct db_fault *fault, struct err *e)
{
	const char *text = PQerrorMessage(w->conn);
	enum err_code code = fault_libpq_code(text);
	bool transient = code == ERR_NONE, late = w->late.len > 0;
	enum end end;

	(void)fault_set_error(e, transient ? ERR_REFUSED : code, transient,
	    "cannot connect", late ? buf_text(&w->late) : text,
	    late ? text : "");
	if (!transient || late || strstr(text, ":  ") == NULL)
		return -1;
	(void)PQsetErrorVerbosity(w->conn, PQERRORS_SQLSTATE);
	w->place[0] = '\0';
	end = PQresetStart(w->conn) == 1 ?
	    poll_connection(w, PQresetPoll) : FAILED;
	(void)PQsetErrorVerbosity(w->conn, PQERRORS_DEFAULT);
	if (end == FAILED)
		fault_parse_sqlstate(fault, PQerrorMessage(w->conn), e);
	return end == MADE ? 0 : -1;
}

int
pg_connect_stopped(struct err *e)
{
	return err_set(e, ERR_REFUSED, true, "cannot connect: stopped by SIG%s "
	    "before the server answered", sigabbrev_np(stop_signal()));
}

static int
finish_connecting(struct attempt *w, struct db_fault *fault, struct err *e)
{
	enum end end;
	int more = 1;

	w->options = PQconninfo(w->conn);
	if (w->options == NULL)
		return err_nomem(e);
	if (PQstatus(w->conn) != CONNECTION_BAD && read_timeout(w, e) == -1)
		return -1;
	while ((end = poll_connection(w, PQconnectPoll)) == LATE &&
	    (more = drop_late_address(w, e)) == 1)
		continue;
	if (end == MADE)
		return 0;
	if (end == FAILED)
		return retry_for_sqlstate(w, fault, e);
	if (end == STOPPED)
		return pg_connect_stopped(e);
	return more == -1 ? -1
	    : fault_set_error(e, ERR_REFUSED, true,
	    "cannot connect", buf_text(&w->late), "");
}

/* The options in `keys` are defaults of this program. An option in the URL
 * (dbname) overrides them. But they override libpq's environment variables,
 * such as PGPORT, so `keys` may only hold options that have no such variable.
 * There are two exceptions: client_encoding must always be UTF8, and
 * connect_timeout gets the value of PGCONNECT_TIMEOUT if that is set. */
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
	struct attempt w = { 0 };
	int rc;

	*conn = NULL;
	fault_clear(fault);
	wait_limit_begin(&w.wait_limit);
	buf_init(&w.late, TEXT);
	w.conn = PQconnectStartParams(keys, values, 1);
	rc = w.conn == NULL ? err_nomem(e) : finish_connecting(&w, fault, e);
	PQconninfoFree(w.options);
	hosts_release(&w.hosts);
	buf_release(&w.late);
	if (rc == 0) {
		(void)PQsetNoticeProcessor(w.conn, ignore_notice, NULL);
		*conn = w.conn;
		return 0;
	}
	PQfinish(w.conn);
	fault->again = e->transient;
	fault->lost = true;
	return -1;
}

static void
host_free(struct host *one)
{
	free(one->name);
	free(one->addr);
	free(one->port);
}

static int
add_host(struct hosts *h, const char *name, const char *addr,
    const char *port, struct err *e)
{
	struct host one = { strdup(name), strdup(addr), strdup(port) };
	struct host *v = realloc(h->v, (h->n + 1) * sizeof(*v));

	if (v != NULL)
		h->v = v;
	if (v == NULL || one.name == NULL || one.addr == NULL ||
	    one.port == NULL) {
		host_free(&one);
		return err_nomem(e);
	}
	h->v[h->n++] = one;
	return 0;
}

/* Looks up a server's host name and adds each of its addresses to the list h.
 * A numeric address needs no look-up. The path of a Unix socket, and a name
 * that cannot be looked up, are added as they are. */
static int
add_addresses(struct hosts *h, const struct host *one, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *a;
	const char *node = one->addr;
	char addr[NI_MAXHOST];
	int rc = 0;

	if (*node != '\0')
		hints.ai_flags = AI_NUMERICHOST;
	else
		node = one->name;
	if (*node == '\0' || *node == '/' || *node == '@' ||
	    getaddrinfo(node, NULL, &hints, &all) != 0)
		return add_host(h, one->name, one->addr, one->port, e);
	for (a = all; rc == 0 && a != NULL; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, addr, sizeof(addr),
		    NULL, 0, NI_NUMERICHOST) == 0)
			rc = add_host(h, one->name, addr, one->port, e);
	freeaddrinfo(all);
	return rc;
}

static size_t
count_list_items(const char *list)
{
	size_t n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static char *
copy_list_item(const char *list, size_t i)
{
	while (i-- > 0) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	return strndup(list, strcspn(list, ","));
}

int
hosts_resolve(struct hosts *h, const char *names, const char *addrs,
    const char *ports, struct err *e)
{
	size_t n, of;
	int rc = 0;

	if (names == NULL)
		names = "";
	if (addrs == NULL)
		addrs = "";
	if (ports == NULL)
		ports = "";
	n = count_list_items(*addrs != '\0' ? addrs : names);
	of = count_list_items(
	    ports); /* if there is one port, all hosts use it */
	*h = (struct hosts){ 0 };
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct host one = {copy_list_item(names, i),
		    copy_list_item(addrs, i),
		    copy_list_item(ports, of == 1 ? 0 : i)};

		if (one.name == NULL || one.addr == NULL || one.port == NULL)
			rc = err_nomem(e);
		else
			rc = add_addresses(h, &one, e);
		host_free(&one);
	}
	return rc;
}

void
hosts_release(struct hosts *h)
{
	for (size_t i = 0; i < h->n; i++)
		host_free(&h->v[i]);
	free(h->v);
	*h = (struct hosts){ 0 };
}

/* Compares an entry of the list with the host, address and port that libpq
 * reports. libpq does not report the zone of an IPv6 address, the "%eth0" in
 * "fe80::1%eth0", so the zone is ignored. A name or port that is empty in the
 * entry matches any. */
static bool
host_matches(const struct host *one, const char *name, const char *addr,
    const char *port)
{
	size_t n = strcspn(one->addr, "%");

	return (*one->name == '\0' || strcmp(one->name, name) == 0) &&
	    (*one->port == '\0' || strcmp(one->port, port) == 0) &&
	    strncmp(one->addr, addr, n) == 0 && addr[n] == '\0';
}

void
hosts_remove(struct hosts *h, const char *name, const char *addr,
    const char *port)
{
	size_t i = 0;

	while (i < h->n && !host_matches(&h->v[i], name, addr, port))
		i++;
	if (i == h->n)
		i = 0;
	if (h->n == 0)
		return;
	host_free(&h->v[i]);
	h->n--;
	memmove(h->v + i, h->v + i + 1, (h->n - i) * sizeof(*h->v));
}

void
hosts_put(const struct hosts *h, struct buf *names, struct buf *addrs,
    struct buf *ports)
{
	for (size_t i = 0; i < h->n; i++) {
		const char *comma = i == 0 ? "" : ",";

		buf_printf(names, "%s%s", comma, h->v[i].name);
		buf_printf(addrs, "%s%s", comma, h->v[i].addr);
		buf_printf(ports, "%s%s", comma, h->v[i].port);
	}
}

static bool
is_default_port(const char *port)
{
	return strcmp(port, "5432") == 0;
}

static bool
is_system_user(const char *user)
{
	const struct passwd *p = getpwuid(geteuid());

	return p != NULL && strcmp(p->pw_name, user) == 0;
}

/* Appends a text as a part of a URL: most characters except letters and digits
 * become %XX. */
static void
put_url_part(struct buf *b, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			buf_char(b, *text);
		else
			buf_printf(b, "%%%02X", (unsigned char)*text);
}

void
pg_name_put(struct buf *b, const struct pg_place *p)
{
	buf_str(b, "postgresql://");
	if (p->user != NULL && *p->user != '\0' && !is_system_user(p->user)) {
		put_url_part(b, p->user);
		buf_char(b, '@');
	}
	/* A host that begins with a slash is the folder of a Unix socket. */
	if (p->host != NULL && *p->host != '/')
		buf_printf(b, strchr(p->host, ':') != NULL ? "[%s]" : "%s",
		    p->host);
	if (p->port != NULL && *p->port != '\0' && !is_default_port(p->port))
		buf_printf(b, ":%s", p->port);
	buf_printf(b, "/%s", p->database != NULL ? p->database : "");
}

void
pg_name_put_env(struct buf *b, const char *url)
{
	static const struct {
		const char *parameter, *variable;
		bool (*is_default)(const char *value);
	} known[] = {
		{ "port", "PGPORT", is_default_port },
		{ "user", "PGUSER", is_system_user },
	};
	const char *value;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		value = getenv(known[i].variable);
		if (value == NULL || *value == '\0' ||
		    known[i].is_default(value) ||
		    pg_url_has(url, known[i].parameter))
			continue;
		buf_printf(b, " %s=", known[i].variable);
		text_show(b, value, strlen(value));
	}
}
