/* How often a call is tried again, and the wait before each try: exponential
 * backoff with full jitter. The wait before try n (1, 2, ...) is random between
 * 0 and min(cap, base * 2^(n-1)).
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS, 2015. */
#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include "base/errval.h"

#include <stdbool.h>
#include <stdint.h>

struct retry {
	uint64_t max;           /* tries after the first */
	uint64_t base, cap;     /* milliseconds */
};

/* Parses "BASE..MAX". If text is NULL, uses the environment variables
 * INITIAL_BACKOFF (default 1s) and MAX_BACKOFF (default 60s) instead. */
int retry_parse(struct retry *r, const char *text, struct err *e);
/* Returns a random delay in milliseconds before retry number nth_try. Its upper
 * limit doubles with each retry. */
int64_t retry_delay(const struct retry *r, uint64_t nth_try);
/* Waits before retry number n. Fails with the error *why if n is greater than
 * r->max or if a signal has asked the program to stop. */
int retry_wait(const struct retry *r, uint64_t n, const struct err *why,
    struct err *e);
/* Calls call(self, e) until it succeeds. Fails with the error of the call if
 * this error is not transient, after r->max retries, or if a signal has asked
 * the program to stop. */
int retry_call(const struct retry *r,
    int (*call)(void *self, struct err *e), void *self, struct err *e);

/* A pause after a failed attempt, counted in turns. A caller that knows a fast
 * way and a safe way uses the safe way for some turns after the fast way has
 * failed. Each pause has twice as many turns as the one before.
 * Owns:  nothing. The caller sets least and most, and sets the rest to 0. */

struct doubling_pause {
	uint32_t least, most;   /* turns of the first and of the longest
	                         * pause */
	uint32_t turns;         /* of the last pause, or 0 */
	uint32_t left;          /* turns until the pause is over */
};

/* Called once a turn. Returns false during a pause. */
bool pause_tick(struct doubling_pause *p);
void pause_begin(struct doubling_pause *p);
/* Call this after a success: the next pause then has `least` turns again. */
void pause_reset(struct doubling_pause *p);

#endif
