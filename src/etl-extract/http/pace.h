/* Decides when the next request may be sent: after --delay, --rate and the rate
 * limit of the service, and before --max-time is over.
 * Gives: pace_wait_turn() waits for --rate, pace_wait() for ms. pace_timeout():
 *        how long a request may take.
 * Fails: ERR_RETRY, at once, if --max-time would be over before the wait ends:
 *        is_over is then set. A wait also fails where sleep_watching() does.
 * Units: milliseconds, microseconds in the names that end in _us. */
#ifndef EXTRACT_PACE_H
#define EXTRACT_PACE_H

#include "extract.h"
#include "http/http.h"

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

#endif
