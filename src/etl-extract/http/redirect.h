/* Redirects by our own rules, and what may be sent to each origin.
 * http and https only, never from https to http, ten at most.  Another origin
 * (scheme, host, port) gets no header, token or query secret of the user's,
 * nor does any that comes after it; a public one leads to no private address.
 * Fails: ERR_DENIED for a target that is not allowed, ERR_PEER for one that
 *        is none and for a loop. */
#ifndef EXTRACT_REDIRECT_H
#define EXTRACT_REDIRECT_H

#include "http/credentials.h"
#include "http/http.h"

struct redirect {
	struct buf url;         /* where the request is now */
	struct buf header;      /* one more line of the user's, or empty */
	unsigned count;
	bool stranger;          /* it has left the user's origin */
	bool public;            /* which has a public address */
};

int redirect_start(struct redirect *r, const struct buf *url,
    const struct buf *header, const struct credentials *c, struct err *e);
int redirect_get(struct redirect *r, struct http *http,
    const struct credentials *c, struct http_answer *a, struct err *e);
/* After an answer that redirects: the next URL. */
int redirect_follow(struct redirect *r, const struct http_answer *a,
    const struct credentials *c, struct err *e);

void redirect_init(struct redirect *r, size_t max);
void redirect_release(struct redirect *r);

#endif
