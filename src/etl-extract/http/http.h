/* The transport: GET over one connection kept alive; libcurl is behind it.
 * Owns:  the handle; an answer owns its buffers, used again by each call.
 * Gives: any status is success here; redirects are not followed. The body
 *        comes decoded and whole; past 2xx what came of its start is kept.
 * Fails: transient where another try may help (no connection, time-out, cut
 *        body); ERR_DENIED where TLS does not verify; ERR_PEER past max_body;
 *        as reader.h says where there is no more use. */
#ifndef EXTRACT_HTTP_H
#define EXTRACT_HTTP_H

#include "base/buf.h"

#include <stdint.h>

struct http_conf {
	uint64_t timeout, connect_timeout;      /* milliseconds */
	size_t max_body;
};

struct http_answer {
	int status;             /* 0: none came */
	bool unreachable;       /* no connection could be made, or no TLS */
	bool near;              /* it came from a private address */
	struct buf head, body;
};

/* An absolute URL and its origin ("https://host:443"), without a user name,
 * a password or a fragment. */
struct http_url {
	char *text, *origin;
	bool http, secure, user;        /* http or https, https, had a user */
};

struct http;

int http_open(struct http **h, const struct http_conf *c, struct err *e);
int http_get(struct http *h, const char *url, char *const *headers, size_t n,
    struct http_answer *a, struct err *e);
void http_close(struct http *h);
/* From now on no private address. */
void http_wary(struct http *h, bool wary);

void http_answer_init(struct http_answer *a, size_t max_body);
void http_answer_release(struct http_answer *a);
size_t http_token(const char *p);       /* its length, such as a name's */
/* The first header of that name; false where there is none. */
bool http_header(const struct http_answer *a, const char *name,
    const char **value, size_t *len);

/* base NULL: ref has to be absolute. Fails with ERR_USAGE. */
int http_url_init(struct http_url *u, const char *base, const char *ref,
    struct err *e);
void http_url_release(struct http_url *u);

#endif
