/* One request after the other: delay, credentials, redirects, retries.
 * Gives: a 2xx answer whose body the caller's judge has taken.
 * Fails: with the URL in the message, secrets masked; transient once the
 *        tries are used up. A stop signal ends any wait at once. */
#ifndef EXTRACT_FETCH_H
#define EXTRACT_FETCH_H

#include "extract.h"
#include "http/http.h"
#include "http/request.h"

/* Looks at a 2xx: a failure that is transient is tried again. */
struct judge {
	int (*look)(void *self, const struct http_answer *a, struct err *e);
	void *self;
};

struct fetch;

/* The process's one: the secret is read once, --delay lies between all. */
int fetch_shared(struct fetch **f, struct extract *x, struct err *e);
void fetch_close(struct fetch *f);

int fetch_get(struct fetch *f, const struct request *r, const struct judge *j,
    struct http_answer *a, struct err *e);
/* The failure is not about this one request: the service is out of reach,
 * lets nobody in, or asks to wait for longer than --backoff allows. */
bool fetch_hopeless(const struct fetch *f, const struct err *e);
/* The first max bytes of an answer's body, as they may be shown. */
void fetch_show(const struct fetch *f, struct buf *b,
    const struct http_answer *a, size_t max);
/* A request's URL as it may be shown; holds until the next call. */
const char *fetch_shown(struct fetch *f, const struct request *r);

#endif
