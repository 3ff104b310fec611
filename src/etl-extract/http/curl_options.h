/* Sets those options of a handle of libcurl that are no callbacks: of all
 * requests, and of one request.
 * Borrows: the body of the request, until its answer has been read.
 * Fails: if memory is out. */
#ifndef EXTRACT_CURL_OPTIONS_H
#define EXTRACT_CURL_OPTIONS_H

#include "http/http.h"

void curl_options_set_client(void *curl, const struct http_conf *c);
int curl_options_set_request(
    void *curl, const struct http_request *r, struct err *e);

#endif
