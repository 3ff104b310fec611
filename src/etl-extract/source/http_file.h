/* A file behind a URL: the body of an answer of HTTP, which the sources for
 * files read in place of a file.
 * Owns:    the request and the answer; http_file_close() accepts NULL.
 * Borrows: x and uri.
 * Gives:   *given, for input_open(); it is valid until http_file_close(). If
 *          the body breaks off, the request is sent again, and the bytes that
 *          were read before are skipped.
 * Fails:   with the errors of fetch.h, whose messages name the URL. */
#ifndef EXTRACT_HTTP_FILE_H
#define EXTRACT_HTTP_FILE_H

#include "common/extract.h"
#include "file/input.h"

struct http_file;

/* Sends the request and waits for the answer to begin. */
int http_file_open(struct http_file **h, struct extract *x, const char *uri,
    struct input_given *given, struct err *e);
void http_file_close(struct http_file *h);

#endif
