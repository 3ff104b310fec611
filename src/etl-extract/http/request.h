/* A request's URL as the options make it: SOURCE, --query-param, --size.
 * Fails: ERR_USAGE for what is no URL, is too long, or holds a user name or
 *        password. */
#ifndef EXTRACT_REQUEST_H
#define EXTRACT_REQUEST_H

#include "extract.h"
#include "http/fetch.h"

/* Once, before the first: the options, and the URL if there is one. */
int request_check(const struct extract_opts *o, const char *url,
    struct err *e);
int request_start(struct request *r, const struct extract_opts *o,
    const char *url, size_t len, struct err *e);

#endif
