/* Opens connections of libpq. A signal to stop ends the wait at once.
 * Gives: *conn, which the caller frees with PQfinish(); NULL on failure.
 * Fails: as described in db.h. The time limit for each address is libpq's
 *        connect_timeout, or 30 seconds if it is not set. */
#ifndef DB_PG_CONNECT_H
#define DB_PG_CONNECT_H

#include "base/buf.h"
#include "db/driver.h"

struct pg_conn;                 /* libpq's connection */

int pg_check_url(const char *url, struct err *e);       /* opens nothing */
int pg_connect(struct pg_conn **conn, const char *url,
    struct db_fault *fault, struct err *e);
/* Sets the error for a signal that came while the program was connecting.
 * Returns -1. */
int pg_connect_stopped(struct err *e);

/* Splits libpq's options host, hostaddr and port into single addresses, so that
 * another try to connect can leave out one of them. This is needed because
 * libpq looks names up itself and does not report the addresses it found.
 * Owns:  struct hosts; hosts_release() frees it.
 * Fails: only if memory is out. A name that cannot be looked up is kept as a
 *        name. */

struct hosts {
	struct host {
		char *name, *addr, *port;       /* "": not given */
	} *v;
	size_t n;
};

/* The elements of each list are separated by commas. A list may be NULL. */
int hosts_resolve(struct hosts *h, const char *names, const char *addrs,
    const char *ports, struct err *e);
void hosts_release(struct hosts *h);

/* Removes the address that libpq reports with these three texts. If no address
 * matches, removes the first one. */
void hosts_remove(struct hosts *h, const char *name, const char *addr,
    const char *port);
/* Appends all addresses to three lists in the form of libpq's options. */
void hosts_put(const struct hosts *h, struct buf *names, struct buf *addrs,
    struct buf *ports);

/* The name of a PostgreSQL database in messages: a URL without secrets. It has
 * the user only if that is not the name of the system user, and the port only
 * if that is not 5432. */

struct pg_place {               /* NULL: not known */
	const char *user, *host, *port, *database;
};

void pg_name_put(struct buf *b, const struct pg_place *p);
/* If PGPORT sets the port of this URL, or PGUSER the user, and the value is not
 * the default, appends a blank and the variable, as in "PGPORT=5433". */
void pg_name_put_env(struct buf *b, const char *url);

#endif
