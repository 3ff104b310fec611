/* Sets the options of a handle of libcurl, except those that are callbacks.
 * Borrows: the body of the request, until its answer has been read.
 * Fails: if memory is out; ERR_INPUT for a file that cannot be read. */
#ifndef EXTRACT_CURL_OPTIONS_H
#define EXTRACT_CURL_OPTIONS_H

#include "http/http.h"

/* Checks that the files of --cacert, --capath, --cert and --key can be read. If
 * one is missing, libcurl would report a bad certificate, which misleads. */
int curl_check_files(const struct http_conf *c, struct err *e);
/* The first function sets the options that are the same for all requests, the
 * second one those of the request r. */
int curl_set_shared(void *curl, const struct http_conf *c, struct err *e);
int curl_set_request(void *curl, const struct http_request *r, struct err *e);

#endif
