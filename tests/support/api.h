/* The mock API: posts and comments in JSONPlaceholder's shape, and faults
 * that a path asks for.  server.c alone knows the HTTP library.
 * Owns:  main() owns struct api; a request's struct reply its two buffers.
 * Shared: many threads serve at once; counts and the log lock for
 *        themselves, all else in struct api that is not atomic stays as
 *        main() made it. */
#ifndef SUPPORT_API_H
#define SUPPORT_API_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

enum { REPLY_MAX = 1 << 30, PEM_MAX = 16384 };

struct counts;

struct api {
	unsigned posts;
	atomic_uint items, items_from;  /* items.h */
	const char *token;              /* what /auth/ wants */
	const char *port_file, *log_file;
	char cert[PEM_MAX], key[PEM_MAX];       /* empty: no TLS */
	unsigned port;
	int64_t max_time;               /* milliseconds */
	int64_t started;
	int log;
	struct counts *counts;
	atomic_bool stop;
};

struct request {
	const char *method, *uri;       /* as it came, nothing decoded */
	const char *host, *authorization;
	bool gzip;
};

struct reply {
	int status;
	struct buf head;                /* "Name: value\n" each */
	struct buf body;
	int64_t delay, drip;            /* ms before it, ms before each byte */
	size_t sent;                    /* bytes of body before it stops */
	bool stall, chunked, reset;     /* stall: stops, but stays open */
};

void answer(struct api *a, const struct request *q, struct reply *r);

/* serve() starts threads and sets a->port; unserve() waits for them. */
void *serve(struct api *a, struct err *e);
void unserve(void *server);

int64_t now_ms(void);
void api_sleep(struct api *a, int64_t ms);      /* shorter when stopping */

struct counts *counts_new(void);
void counts_free(struct counts *c);
unsigned counts_add(struct counts *c, const char *uri); /* calls so far */

/* %XX is that byte; cut to max. */
void decode(char *out, size_t max, const char *p, size_t n);
/* Length of PATH's first segment, which is decoded into out. */
size_t segment(const char *path, char *out, size_t max);

void gzip(struct buf *out, const struct buf *in);
void gzip_bomb(struct buf *out, size_t mib);

#endif
