/* Sets the message and the exit code for those errors of libcurl that the
 * caller must not report as a general network error.
 * Borrows: `why`, libcurl's message; `proxy`, the value of --proxy, or NULL.
 * Gives: -1 with *e set; 0 for all other errors, with *e unchanged. */
#ifndef EXTRACT_CURL_ERROR_H
#define EXTRACT_CURL_ERROR_H

#include "base/errval.h"

int curl_error_set(int code, const char *why, const char *proxy, struct err *e);

#endif
