/* Makes HTTP requests one after the other: waits for --delay, sends the
 * credentials, follows redirects, and retries failures that may pass.
 * Gives: 0 for a status 2xx, if its body has passed the caller's check.
 * Fails: after the last try, with the URL in the message and secrets masked;
 *        e->transient says that a later run may succeed. A stop signal ends
 *        each wait at once. */
#ifndef EXTRACT_FETCH_H
#define EXTRACT_FETCH_H

#include "common/extract.h"
#include "http/answer.h"
#include "http/request.h"

/* The caller's check of an answer with a status 2xx. If the check fails with
 * e->transient set, the request is retried. */
struct answer_check {
	int (*check)(void *self, const struct http_answer *a, struct err *e);
	void *self;
};

struct fetch;

/* Sets *f to x->fetch, which the first call opens. All requests of a process
 * share it, so the secret is read once, and --delay separates any two
 * requests. */
int fetch_open_once(struct fetch **f, struct extract *x, struct err *e);
void fetch_close(struct fetch *f);

/* Tells which requests will follow the present one. get() returns the n-th of
 * them, counted from 1, or NULL if it is not known yet. The request is valid
 * until the next call. input() returns a descriptor, or -1: further requests
 * may become known when this descriptor has input. input may be NULL. Both
 * functions are called while other functions of fetch.h wait. */
struct upcoming {
	const struct request *(*get)(void *self, uint64_t n);
	int (*input)(void *self);
	void *self;
};
/* With --jobs N, sends up to N - 1 of these requests before the caller makes
 * them (early requests). This does not change any result: if the caller makes
 * another request, the early ones are cancelled; if an early one fails to
 * connect, it is sent again when the caller makes it. u may be NULL: no
 * requests are known. */
void fetch_set_upcoming(struct fetch *f, const struct upcoming *u);
/* Refuses options that cannot be combined with --jobs. */
int fetch_check_jobs(const struct extract_opts *o, struct err *e);
/* True if the whole answer to the next request has been received early. */
bool fetch_has_early(const struct fetch *f);

/* Sends the request and reads the whole body, of at most --max-body bytes, into
 * a->body. Retries failures, also those of the check. */
int fetch_whole(struct fetch *f, const struct request *r,
    const struct answer_check *check, struct http_answer *a, struct err *e);
/* The same in steps. fetch_send() sends the request, and retries until the head
 * of an answer with a status 2xx has come. fetch_read() then reads the body, as
 * http_read() does. If reading fails or the body is wrong, the caller may pass
 * the error to fetch_send_again(). That function sends the request again, and
 * fetch_read() starts at the beginning of the new body. If no retry is left, it
 * returns -1 with the final error. The request and the answer are borrowed
 * until the end of the body. */
int fetch_send(struct fetch *f, const struct request *r, struct http_answer *a,
    struct err *e);
ssize_t fetch_read(struct fetch *f, char *p, size_t n, struct err *e);
int fetch_send_again(struct fetch *f, struct err *e);
/* Lets --timeout begin again, in the middle of a body. */
void fetch_restart_time(struct fetch *f);
/* True if fetch_read() would have to wait. */
bool fetch_may_wait(struct fetch *f);
/* Masks the secret in an error after which no retry follows, and puts the URL
 * before it. Returns -1. */
int fetch_mask_error(struct fetch *f, struct err *e);
/* After fetch_whole() has failed: true if other requests would fail too, for
 * example because the service cannot be reached, denies access or asks to wait
 * longer than --backoff allows, or because a stop signal came. */
bool fetch_fails_all(const struct fetch *f, const struct err *e);
/* Appends the first max bytes of an answer's body, with control characters
 * escaped. If the body contains the secret, appends a note in its place. */
void fetch_show_body(const struct fetch *f, struct buf *b,
    const struct http_answer *a, size_t max);
/* The same for n bytes of an answer, for example one value. */
void fetch_show_text(
    const struct fetch *f, struct buf *b, const char *p, size_t n);
/* Returns the value that a header has by --header or by default; "" if there is
 * none. */
const char *fetch_header(const struct fetch *f, const char *name);
/* Replaces each copy of the secret by ***. Fails if memory is out. */
int fetch_mask_text(const struct fetch *f, struct buf *b, struct err *e);
/* Resolves ref[0..n), a URL that may be relative to that of the last answer,
 * and sets *url to the absolute URL. Leaves out the secret of --auth query:NAME
 * and the fragment. Fails with ERR_PEER if ref is not a URL. */
int fetch_resolve_url(const struct fetch *f, const char *ref, size_t n,
    struct buf *url, struct err *e);
/* Returns the URL of a request with secrets masked and control characters
 * escaped, cut to 400 bytes; "" if memory is out. The text is valid until the
 * next call. */
const char *fetch_masked_url(struct fetch *f, const struct request *r);

#endif
