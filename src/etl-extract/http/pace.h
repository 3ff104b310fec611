/* Decides when the next request may be sent: after --delay, --rate and the rate
 * limit of the service, and before --max-time is over.
 * Gives: pace_wait_turn() waits for --rate, pace_wait() for ms. pace_timeout():
 *        how long a request may take.
 * Fails: ERR_RETRY, at once, if --max-time would be over before the wait ends:
 *        is_over is then set. A wait also fails where sleep_watching() does.
 * Units: milliseconds, microseconds in the names that end in _us. */
#ifndef EXTRACT_PACE_H
#define EXTRACT_PACE_H

#include "common/extract.h"
#include "http/http.h"

#include <stdint.h>
#include <time.h>

struct pace {
	int64_t interval_us;    /* of --rate, or 0 */
	int64_t next_us;        /* the next request may be sent from here on */
	int64_t end;            /* of --max-time, by clock_ms(); 0: none */
	int64_t quota_at;       /* by clock_ms(): from then on the service has
				 * requests left */
	bool is_over;
	const struct extract_opts *o;
};

/* Fails with ERR_USAGE for a wrong --rate. */
int pace_init(struct pace *p, const struct extract_opts *o, struct err *e);
int pace_wait_turn(struct pace *p, struct err *e);
/* Sets quota_at if the answer says that no requests are left. */
void pace_note_quota(struct pace *p, const struct http_answer *a);
/* These two functions are for early requests, which are sent only if they need
 * not wait. The first one returns the milliseconds until a request may be sent;
 * 0: now. The second one must be called when the request is sent. */
int64_t pace_turn_ms(const struct pace *p);
void pace_set_next_turn(struct pace *p);
int pace_wait(struct pace *p, int64_t ms, struct err *e);
/* Fails if --max-time is over. */
int pace_check(struct pace *p, struct err *e);
uint64_t pace_timeout(const struct pace *p);

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
 * 10.2.3), or, if no requests are left, in the headers of pace.h.
 * Gives: milliseconds from now, 0 for a time that has passed; -1 if there is no
 *        such header or its value cannot be parsed. */

int64_t retry_after_ms(const struct http_answer *a, time_t now);
/* True for status 403 or 429 if the headers say that no requests are left. */
bool is_rate_limited(const struct http_answer *a);
/* Appends the time in UTC at which a wait of ms milliseconds ends. */
void retry_after_show(struct buf *b, int64_t ms, time_t now);

#endif
