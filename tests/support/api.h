/* The mock API serves posts and comments in the form of JSONPlaceholder, and
 * makes the faults that a path requests.  Only server.c uses the HTTP library.
 * Owns: main() owns struct api; each struct reply owns its two buffers.
 * Threads: many threads serve requests.  struct counts has its own lock, and
 *       a log line is one write().  All other members of struct api are
 *       atomic or do not change after main() has set them. */
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
	atomic_uint tokens;             /* oauth.h: how many were given */
	const char *token;              /* that /auth/ requires */
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
	const char *method, *uri;       /* as received, not decoded */
	const char *host, *authorization;
	const char *cursor;             /* the header X-Cursor, or NULL */
	const char *none_match, *modified_since;        /* or NULL */
	const char *body;               /* NULL: none */
	bool gzip;
};

struct reply {
	int status;
	struct buf head;                /* lines "Name: value\n" */
	struct buf body;
	int64_t delay, drip;            /* ms before it, before each byte */
	size_t sent;                    /* bytes of the body to send */
	bool stall, chunked, reset;     /* stall: then send nothing */
};

void answer(struct api *a, const struct request *q, struct reply *r);

/* serve() starts threads and sets a->port; unserve() waits for them. */
void *serve(struct api *a, struct err *e);
void unserve(void *server);

int64_t now_ms(void);
void api_sleep(struct api *a, int64_t ms);      /* ends early on stop */

struct counts *counts_new(void);
void counts_free(struct counts *c);
unsigned counts_add(struct counts *c, const char *uri); /* new count */

/* %XX is that byte; cut to max. */
void decode(char *out, size_t max, const char *p, size_t n);
/* Length of PATH's first segment, which is decoded into out. */
size_t segment(const char *path, char *out, size_t max);

/* Finds a query parameter and decodes it into out. */
bool query_text(const char *path, const char *name, char *out, size_t max);
/* The number in a query parameter, or `none` if the query does not have it. */
unsigned long query_number(
    const char *path, const char *name, unsigned long none);

void gzip(struct buf *out, const struct buf *in);
void gzip_bomb(struct buf *out, size_t mib);

#endif
