/* Turns the status of an HTTP answer into success or an error.
 * Gives: status_check() returns 0 for 2xx. Else it returns -1 with the message
 *        "status STATUS: BODY". The error is transient for 408, 425, 429, 5xx,
 *        and if is_rate_limited(). */
#ifndef EXTRACT_STATUS_H
#define EXTRACT_STATUS_H

#include "http/credentials.h"
#include "http/http.h"

/* Sets the error for any status, also for 2xx if --on makes it an error.
 * Returns -1. */
int status_set_error(const struct http_answer *a, const struct credentials *c,
    struct err *e);
int status_check(const struct http_answer *a, const struct credentials *c,
    struct err *e);
bool is_redirect(int status);
/* Appends the first max bytes of the body as one line, with control characters
 * escaped. If the body contains the secret, appends a note in its place. */
void answer_show_body(struct buf *b, const struct http_answer *a,
    const struct credentials *c, size_t max);

#endif
