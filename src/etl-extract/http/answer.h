/* The answer to a request, and what its headers say: the next page (Link), how
 * many requests the service still accepts (RateLimit), and how long to wait
 * (Retry-After).
 * Owns:  the buffers; http_answer_release() frees them.
 * Borrows: the texts that are found point into the answer or the value. */
#ifndef EXTRACT_ANSWER_H
#define EXTRACT_ANSWER_H

#include "base/buf.h"
#include "stream/lines.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct http_answer {
	int status;             /* 0 if no answer came */
	int64_t came_at;        /* clock_ms() when the head came; 0: none came,
				 * or it is from a recording */
	bool is_noted;  /* http_next_early_head() returned it */
	bool was_early;         /* the request was sent early */
	bool unreachable;       /* no connection, or no TLS on it */
	bool from_private;      /* the server has a private address */
	bool is_open_ended;     /* the body ends where the connection ends, so
				 * nobody sees if it was cut */
	bool is_unchanged;      /* status 304 to a conditional request: it
				 * counts as empty */
	bool is_ignored;        /* its status is to be ignored: it counts as
				 * empty */
	struct buf head, body;  /* reused by the next request */
};

/* True if the answer has no body: its status is 204, or is_unchanged or
 * is_ignored is set. */
bool http_answer_is_empty(const struct http_answer *a);
/* Returns the milliseconds since the head of the answer came; 0 for an answer
 * from a recording. */
int64_t http_answer_age(const struct http_answer *a);
void http_answer_init(struct http_answer *a, size_t max_body);
void http_answer_release(struct http_answer *a);
/* Reads the whole body from `from` and appends it to a->body. Fails with
 * ERR_PEER if it is larger than a->body.max. */
int http_answer_read(struct http_answer *a, struct lines_reader from,
    struct err *e);
/* Returns the length of the header name (RFC 9110: a token) at p. */
size_t http_token_length(const char *p);
/* Finds the first header of that name and sets *value, without white space
 * around it and without a NUL at its end. Returns false if there is none. */
bool http_find_header(const struct http_answer *a, const char *name,
    const char **value, size_t *len);
/* Like http_find_header(), but searches from byte *at of the head on, and sets
 * *at to the end of the header that it finds. Start with *at = 0. */
bool http_find_next_header(const struct http_answer *a, size_t *at,
    const char *name, const char **value, size_t *len);

/* Parses Link headers (RFC 8288): several links in a header, several headers,
 * parameters with and without quotes, and several relation types in one rel.
 * Skips links with the parameter anchor, which are about another document.
 * Gives: true and the target, as written, of the first link with rel=next.
 *        After a syntax error the rest of the header is ignored. */

bool link_find_next(
    const struct http_answer *a, const char **uri, size_t *len);
/* The same for value[0..n), the value of one Link header. */
bool link_find_in_value(const char *value, size_t n, const char **uri,
    size_t *len);

/* Reads from the headers of an answer whether the service accepts no further
 * requests for a while, and for how long:
 *   RateLimit: "day";r=0;t=30         draft-ietf-httpapi-ratelimit-headers-08
 *   RateLimit: limit=5, remaining=0, reset=30               the same draft, -07
 *   RateLimit-Remaining: 0 and RateLimit-Reset: 30          the same draft, -03
 *   X-RateLimit-Remaining: 0 and X-RateLimit-Reset: 30, or a time since 1970 in
 *   seconds (above 10^9) or in milliseconds (above 10^12) */

/* Returns how many requests are left, or -1 if the answer does not contain this
 * number. */
int64_t rate_limit_left(const struct http_answer *a);

/* Finds how long a service asks to wait: in the header Retry-After (RFC 9110,
 * 10.2.3), or, if no requests are left, in the headers above.
 * Gives: milliseconds from now, 0 for a time that has passed; -1 if there is no
 *        such header or its value cannot be parsed. */

int64_t retry_after_ms(const struct http_answer *a, time_t now);
/* True for status 403 or 429 if the headers say that no requests are left. */
bool is_rate_limited(const struct http_answer *a);
/* Appends the time in UTC at which a wait of ms milliseconds ends. */
void retry_after_show(struct buf *b, int64_t ms, time_t now);
/* Returns the milliseconds to wait after an answer whose status is not an
 * error; 0 if requests are left, or if the answer does not contain the time. */
int64_t rate_limit_wait_ms(const struct http_answer *a, time_t now);

#endif
