/* How often and how long to wait before a call is tried again.
 * Exponential backoff with full jitter: the wait before try n (1, 2, ...) is
 * random between 0 and min(cap, base * 2^(n-1)).
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS, 2015. */
#ifndef BASE_RETRY_H
#define BASE_RETRY_H

#include "errval.h"

#include <stdint.h>

struct retry {
	uint64_t max;           /* tries after the first */
	uint64_t base, cap;     /* milliseconds */
};

/* "BASE..MAX"; NULL takes INITIAL_BACKOFF and MAX_BACKOFF, or 1s..60s. */
int retry_backoff(struct retry *r, const char *text, struct err *e);
int64_t retry_wait(const struct retry *r, uint64_t n);

#endif
