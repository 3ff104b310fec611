#include "db/pg_connect.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

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

/* A server that answers no says why in its own language; its SQLSTATE is in
 * the message of a second try only, for the first has no connection yet to
 * ask for it. Returns 0 where that try succeeds. */
static int
connect_fail(PGconn *conn, struct db_fault *fault, struct err *e)
{
	const char *text = PQerrorMessage(conn);
	enum err_code code = fault_libpq(text);
	bool transient = code == ERR_NONE;

	fault_clear(fault);
	(void)fault_say(e, transient ? ERR_REFUSED : code, transient,
	    "cannot connect", text, "");
	if (!transient || strstr(text, ":  ") == NULL)
		goto out;
	(void)PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE);
	PQreset(conn);
	(void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	if (PQstatus(conn) == CONNECTION_OK)
		return 0;
	fault_refusal(fault, PQerrorMessage(conn), e);
out:
	fault->again = e->transient;
	fault->lost = true;
	return -1;
}

/* What stands before dbname gives way to it; the environment does not, so
 * of what it can set only what it does not set is given. */
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

	*conn = PQconnectdbParams(keys, values, 1);
	if (*conn == NULL)
		return err_nomem(e);
	if (PQstatus(*conn) != CONNECTION_OK &&
	    connect_fail(*conn, fault, e) == -1)
		return -1;
	(void)PQsetNoticeProcessor(*conn, quiet, NULL);
	return 0;
}
