/* A request: its URL as the options make it (SOURCE, --query-param, --size).
 * Owns:  the buffers; request_release() frees them.
 * Fails: ERR_USAGE for what is no URL, is too long, or holds a user name or
 *        password. */
#ifndef EXTRACT_REQUEST_H
#define EXTRACT_REQUEST_H

#include "base/buf.h"
#include "extract.h"

enum { REQUEST_URL_MAX = 64 << 10 };

struct request {
	struct buf url, header;         /* header: one more line, or empty */
};

void request_init(struct request *r);
void request_release(struct request *r);

/* Once, before the first: the options, and the URL if there is one. */
int request_check(const struct extract_opts *o, const char *url,
    struct err *e);
int request_start(struct request *r, const struct extract_opts *o,
    const char *url, size_t len, struct err *e);

#endif
