/* The addresses behind libpq's lists host, hostaddr and port, one by one, so
 * that the next try can leave one out. libpq looks names up itself and does not
 * report the addresses that it found.
 * Owns:  struct hosts; hosts_release() frees it.
 * Fails: only if memory is out; a name that cannot be looked up stays a
 *        name. */
#ifndef DB_PG_HOSTS_H
#define DB_PG_HOSTS_H

#include "base/buf.h"

struct hosts {
	struct host {
		char *name, *addr, *port;       /* "" where there is none */
	} *v;
	size_t n;
};

/* Each list may be NULL. */
int hosts_read(struct hosts *h, const char *names, const char *addrs,
    const char *ports, struct err *e);
void hosts_release(struct hosts *h);

/* The one that libpq calls by these, or else the first one. */
void hosts_drop(struct hosts *h, const char *name, const char *addr,
    const char *port);
/* Those that are left, as libpq's lists again. */
void hosts_put(const struct hosts *h, struct buf *names, struct buf *addrs,
    struct buf *ports);

#endif
