/* The ETag or Last-Modified value (RFC 9110, 8.8) of --conditional, as JSON:
 * {"URL":{"etag":"..."}} or {"URL":{"last_modified":"..."}}. URL is the URL of
 * the first page without the parameter of --since-param.
 * Gives: validators_put_header() appends a header such as If-None-Match, or
 *        nothing if there is no value for the URL. */
#ifndef EXTRACT_VALIDATORS_H
#define EXTRACT_VALIDATORS_H

#include "http/http.h"

int validators_put_header(struct buf *header, const char *validators,
    const char *url, struct err *e);
/* Appends the ETag or Last-Modified value of an answer, or nothing if the
 * answer has neither. */
int validators_put_answer(struct buf *validators, const char *url,
    const struct http_answer *a, struct err *e);

#endif
