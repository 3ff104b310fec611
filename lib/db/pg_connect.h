/* The making of libpq's connections, which a signal to end gives up at once.
 * Gives: *conn, the caller's for PQfinish(); NULL where it failed.
 * Fails: as db.h says; the time for each address is libpq's connect_timeout,
 *        30 seconds if nobody sets it. */
#ifndef DB_PG_CONNECT_H
#define DB_PG_CONNECT_H

#include "db/driver.h"

struct pg_conn;                 /* libpq's own */

int pg_check(const char *url, struct err *e);   /* its form alone */
int pg_connect(struct pg_conn **conn, const char *url,
    struct db_fault *fault, struct err *e);
int pg_connect_stopped(struct err *e);          /* -1: and says so */

#endif
