/* Reads from the headers of an answer whether the service accepts no further
 * requests for a while, and for how long:
 *   RateLimit: "day";r=0;t=30         draft-ietf-httpapi-ratelimit-headers-08
 *   RateLimit: limit=5, remaining=0, reset=30               the same draft, -07
 *   RateLimit-Remaining: 0 and RateLimit-Reset: 30          the same draft, -03
 *   X-RateLimit-Remaining: 0 and X-RateLimit-Reset: 30, or a time since 1970 in
 *   seconds (above 10^9) or in milliseconds (above 10^12) */
#ifndef EXTRACT_RATE_LIMIT_H
#define EXTRACT_RATE_LIMIT_H

#include "http/http.h"

#include <stdint.h>
#include <time.h>

/* True if no requests are left. Sets *wait_s to the seconds until the service
 * accepts requests again, or to -1 if the answer does not contain this time. */
bool rate_limit_used_up(const struct http_answer *a, time_t now,
    int64_t *wait_s);
/* Returns how many requests are left, or -1 if the answer does not contain this
 * number. */
int64_t rate_limit_left(const struct http_answer *a);
/* Parses a whole number. Returns -1 if the text is not one. Digits that would
 * make the number larger than 2^60 are ignored: the result is still later than
 * any real time. */
int64_t parse_whole(const char *p, size_t n);

#endif
