/* A request: its URL, made from SOURCE or --each, --query-param and --size; its
 * method and its body.
 * Owns:  the buffers; request_release() frees them.
 * Fails: ERR_USAGE for a wrong option, and for a URL that is not valid, is too
 *        long, or contains a user name or password. */
#ifndef EXTRACT_REQUEST_H
#define EXTRACT_REQUEST_H

#include "base/buf.h"
#include "common/extract.h"

enum { REQUEST_URL_MAX = 64 << 10, REQUEST_BODY_MAX = 16 << 20 };

struct request {
	struct buf url;
	struct buf header;      /* "Name: value" of this request, or empty */
	struct buf condition;   /* "If-None-Match: ..." or empty */
	const char *method;     /* "GET", "POST", ... */
	bool has_body;
	struct buf body;
	struct buf given_body;  /* of --body; copied to body for each URL */
	const char *source;     /* the URL or template that the user gave */
	bool takes_any_type;    /* do not ask for JSON */
	bool comes_from_page;   /* the URL is from an answer: the rules for
				 * redirects apply (fetch.c) */
};

void request_init(struct request *r);
void request_release(struct request *r);

/* Checks the options of requests, and the URL if it is not NULL. Call it once,
 * before the first request. */
int request_check(const struct extract_opts *o, const char *url, struct err *e);
/* Sets method and body from --method, --body and --into. */
int request_load_body(struct request *r, const struct extract_opts *o,
    struct err *e);
/* Copies method, body and source of `from`. */
int request_copy(struct request *r, const struct request *from, struct err *e);
/* Sets the URL to the len bytes at url plus the parameters of the options,
 * clears the headers, and sets the body to that of --body. */
int request_set_url(struct request *r, const struct extract_opts *o,
    const char *url, size_t len, struct err *e);

#endif
