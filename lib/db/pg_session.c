#include "db/pg_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* The script finds out whether a pool is between this program and the server.
 * If it is not, the server process that runs the script has the process id that
 * the connection was opened with. A pool reports another id, because it changes
 * the server process. In that case the script sets the options only for its own
 * transaction, so that no other client of the pool gets them. It is one script,
 * to save a round trip. */
void
pg_session_put(struct buf *b, const struct pg *pg)
{
	char other[64];

	(void)snprintf(other, sizeof(other), "pg_catalog.pg_backend_pid() "
	    "OPERATOR(pg_catalog.<>) %d", PQbackendPID(pg->conn));
	put_options(b, pg, other);
}

/* If the script is BEGIN, it stands before the options, because it sets the
 * isolation level, which PostgreSQL allows only before the first query. Any
 * other script stands after the options. The server runs both as one
 * transaction, unless the script itself begins one. */
const char *
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
