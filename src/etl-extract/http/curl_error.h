/* Turns an error of libcurl into a value.
 * Borrows: `why`, libcurl's message; `proxy`, the value of --proxy, or NULL.
 * Gives: -1 with *e set, or 0 if the code is none of those that need a message
 *        or an exit code of their own. */
#ifndef EXTRACT_CURL_ERROR_H
#define EXTRACT_CURL_ERROR_H

#include "base/errval.h"

int curl_error_to_value(
    int code, const char *why, const char *proxy, struct err *e);

#endif
