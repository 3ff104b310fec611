/* Splits libpq's options host, hostaddr and port into single addresses, so that
 * another try to connect can leave out one of them. This is needed because
 * libpq looks names up itself and does not report the addresses it found.
 * Owns:  struct hosts; hosts_release() frees it.
 * Fails: only if memory is out. A name that cannot be looked up is kept as a
 *        name. */
#ifndef DB_PG_HOSTS_H
#define DB_PG_HOSTS_H

#include "base/buf.h"

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

#endif
