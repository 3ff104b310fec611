/* Sets the options of a handle of libcurl, except those that are callbacks.
 * Borrows: the body of the request, until its answer has been read.
 * Fails: if memory is out; ERR_INPUT for a file that cannot be read. */
#ifndef EXTRACT_CURL_OPTIONS_H
#define EXTRACT_CURL_OPTIONS_H

#include "http/http.h"

/* Checks that the files of the options can be read: for a missing one, the
 * message of libcurl would be that of a bad certificate. */
int curl_options_check_files(const struct http_conf *c, struct err *e);
/* The options that all requests share, and those of one request. */
int curl_options_set_shared(
    void *curl, const struct http_conf *c, struct err *e);
int curl_options_set_request(
    void *curl, const struct http_request *r, struct err *e);

#endif
