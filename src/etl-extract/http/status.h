/* What a status means for who asked.
 * Gives: 0 for 2xx. Else -1 with "STATUS: BODY", secrets masked, controls
 *        escaped; transient for 408, 425, 429, 5xx and used-up calls. */
#ifndef EXTRACT_STATUS_H
#define EXTRACT_STATUS_H

#include "http/credentials.h"
#include "http/http.h"

int status_judge(const struct http_answer *a, const struct credentials *c,
    struct err *e);
bool status_redirects(int status);
/* The first max bytes of the body, on one line. */
void body_show(struct buf *b, const struct http_answer *a,
    const struct credentials *c, size_t max);

#endif
