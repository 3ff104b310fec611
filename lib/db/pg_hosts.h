/* The addresses that libpq's lists host, hostaddr and port mean, one by one, so
 * that one of them can be left out the next time. libpq looks names up by
 * itself; what it makes of them it does not tell.
 * Owns:  struct hosts, by hosts_release().
 * Fails: out of memory alone; a name that nobody knows stays one. */
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
