/* How long a server asks to wait: Retry-After (RFC 9110, 10.2.3), or where
 * calls are used up X-RateLimit-Reset (seconds since 1970, or from now).
 * Gives: milliseconds from now, 0 for a time gone by; -1 where the server
 *        says nothing that can be read. */
#ifndef EXTRACT_RETRY_AFTER_H
#define EXTRACT_RETRY_AFTER_H

#include "http/http.h"

#include <stdint.h>
#include <time.h>

int64_t retry_after(const struct http_answer *a, time_t now);
/* A 403 or 429 that says so: no calls are left. */
bool calls_used_up(const struct http_answer *a);
/* When the wait is over, as a time in UTC. */
void retry_after_show(struct buf *b, int64_t ms, time_t now);

#endif
