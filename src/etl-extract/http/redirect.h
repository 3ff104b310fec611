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

struct hop {
	struct buf url;         /* where the request is now */
	struct buf header;      /* one more line of the user's, or empty */
	unsigned count;
	bool stranger;          /* it has left the user's origin */
	bool public;            /* which has a public address */
};

int hop_start(struct hop *h, const struct buf *url, const struct buf *header,
    const struct credentials *c, struct err *e);
int hop_get(struct hop *h, struct http *http, const struct credentials *c,
    struct http_answer *a, struct err *e);
/* After an answer that redirects: the next URL. */
int hop_follow(struct hop *h, const struct http_answer *a,
    const struct credentials *c, struct err *e);

void hop_init(struct hop *h, size_t max);
void hop_release(struct hop *h);

#endif
