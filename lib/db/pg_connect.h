/* Opens connections of libpq. A signal to stop ends the wait at once.
 * Gives: *conn, which the caller frees with PQfinish(); NULL on failure.
 * Fails: as described in db.h. The time limit for each address is libpq's
 *        connect_timeout, or 30 seconds if it is not set. */
#ifndef DB_PG_CONNECT_H
#define DB_PG_CONNECT_H

#include "db/driver.h"

struct pg_conn;                 /* libpq's connection */

int pg_check_url(const char *url, struct err *e);       /* opens nothing */
/* True if the URL itself sets this parameter of libpq, for example "port". */
bool pg_url_has(const char *url, const char *name);
int pg_connect(struct pg_conn **conn, const char *url,
    struct db_fault *fault, struct err *e);
/* Sets the error for a signal that came while the program was connecting.
 * Returns -1. */
int pg_connect_stopped(struct err *e);

#endif
