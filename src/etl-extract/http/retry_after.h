/* Finds how long a service asks to wait: in the header Retry-After (RFC 9110,
 * 10.2.3), or, if no requests are left, in the headers of rate_limit.h.
 * Gives: milliseconds from now, 0 for a time that has passed; -1 if there is no
 *        such header or its value cannot be parsed. */
#ifndef EXTRACT_RETRY_AFTER_H
#define EXTRACT_RETRY_AFTER_H

#include "http/http.h"

#include <stdint.h>
#include <time.h>

int64_t retry_after_ms(const struct http_answer *a, time_t now);
/* Returns the milliseconds to wait after an answer whose status is not an
 * error; 0 if requests are left, or if the answer does not contain the time. */
int64_t rate_limit_wait_ms(const struct http_answer *a, time_t now);
/* True for status 403 or 429 if the headers say that no requests are left. */
bool is_rate_limited(const struct http_answer *a);
/* Appends the time in UTC at which a wait of ms milliseconds ends. */
void retry_after_show(struct buf *b, int64_t ms, time_t now);

#endif
