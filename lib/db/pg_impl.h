/* The connection of libpq behind struct pg, for the files that implement pg.h.
 * Gives: pg_wait_result() waits for the last result of a command, as PQexec()
 *        does. NULL means that the connection is lost. A signal to stop cancels
 *        the command, unless ignores_signals is set.
 * Fails: pg_fail() sets *e and the fault from a failed result, which may be
 *        NULL, and frees the result. It returns -1. */
#ifndef DB_PG_IMPL_H
#define DB_PG_IMPL_H

#include "base/buf.h"
#include "db/driver.h"
#include "db/pg.h"

#include <libpq-fe.h>

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

/* struct pg_answer is libpq's PGresult under a name for files that do not
 * include libpq's header. */
PGresult *pg_as_pgresult(const struct pg_answer *a);
PGresult *pg_wait_result(struct pg *pg, bool ignores_signals);
int pg_fail(struct pg *pg, PGresult *res, struct err *e);
/* Appends the script that sets the options of a session. The script returns one
 * row, whose first column is 1 if a pool is between this program and the
 * server, else 0. */
void pg_session_put(struct buf *b, const struct pg *pg);
/* Returns the script as it is, unless a pool may run it in any session: with a
 * pool and outside a transaction returns the script together with the
 * statements that set the session's options. The text is valid until the next
 * call. Returns NULL with *e if memory is out. */
const char *pg_session_wrap(struct pg *pg, const char *script, struct err *e);

#endif
