/* The making of libpq's connections.
 * Gives: *conn is set, also where it failed: then to none, or to one that is
 *        closed and says so. It is the caller's, for PQfinish().
 * Fails: as db.h says. */
#ifndef DB_PG_CONNECT_H
#define DB_PG_CONNECT_H

#include "db/driver.h"

struct pg_conn;                 /* libpq's own */

int pg_check(const char *url, struct err *e);   /* its form alone */
int pg_connect(struct pg_conn **conn, const char *url,
    struct db_fault *fault, struct err *e);

#endif
