/* HTTP requests by libcurl, which keeps connections open for the next one.
 * Gives: http_send() returns 0 for any status once the headers have come;
 *        redirects are not followed. http_read() gives the decoded body. The
 *        body of the request must stay valid until the answer has been read.
 * Fails: transient if a retry may help (no connection, time-out, cut body);
 *        ERR_DENIED for a bad certificate or a refused address; ERR_PEER for a
 *        decompression bomb; ERR_GONE or ERR_RETRY as in stdout_reader.h. */
#ifndef EXTRACT_TRANSPORT_H
#define EXTRACT_TRANSPORT_H

#include "http/answer.h"

#include <stdint.h>
#include <sys/types.h>

/* Of the body of an error answer (status 300 or more), KEPT bytes are stored in
 * answer.body, and at most READ bytes are read. */
enum { HTTP_ERROR_KEPT = 4096, HTTP_ERROR_READ = 64 << 10 };

struct http_conf {
	uint64_t connect_timeout;       /* milliseconds */
	uint64_t max_ratio;             /* of decoded to compressed bytes */
	const char *cacert, *capath, *cert, *key, *proxy, *unix_socket;
};

struct http_request {
	const char *method, *url;
	char *const *headers;
	size_t n_headers;
	const char *body;       /* NULL: none */
	size_t body_len;
	uint64_t timeout;       /* milliseconds */
	const char *sigv4;      /* CURLOPT_AWS_SIGV4; NULL: no signature */
	const char *user_password;      /* for the signature */
	bool public_only;       /* refuse private addresses */
	bool may_link_local;    /* do not refuse link-local addresses */
	bool host_is_private;   /* for a proxy, which hides the address */
	bool takes_early;       /* http_begin_early() may have begun it */
};

struct http;

int http_open(struct http **h, const struct http_conf *c, struct err *e);
int http_send(struct http *h, const struct http_request *r,
    struct http_answer *a, struct err *e);
/* Puts up to n bytes of the body of the last answer at p and returns their
 * number; 0 after the last byte of a body that is complete. */
ssize_t http_read(struct http *h, char *p, size_t n, struct err *e);
/* Lets the timeout of the request begin again. */
void http_restart_time(struct http *h);
/* True if http_read() would have to wait for the server. */
bool http_may_wait(struct http *h);
void http_close(struct http *h);

/* Early requests: http_begin_early() sends a request before the caller needs
 * its answer and calls http_send() for it. Its answer is received while other
 * answers are read, but at most RECEIVER_KEPT_EARLY bytes of its body. The
 * calls of http_send() must follow the order of http_begin_early(). */
int http_begin_early(
    struct http *h, const struct http_request *r, struct err *e);
/* Called before http_send(r). Returns true if the first early request equals r
 * and has not failed. If it has failed, it is removed, so that http_send()
 * sends r again. If the first early request does not equal r, all early
 * requests are cancelled. */
bool http_match_early(struct http *h, const struct http_request *r);
size_t http_count_early(const struct http *h);
/* Returns how many requests are under way whose head has not come. */
size_t http_count_unanswered(const struct http *h);
/* True if the whole answer to the first early request has been received and its
 * status is not an error. */
bool http_has_early(const struct http *h);
/* Returns an early answer whose head has come and that was not returned before,
 * or NULL. */
const struct http_answer *http_next_early_head(struct http *h);
void http_end_early(struct http *h);
/* `call` may begin early requests. http_send() calls it, and it is called
 * before each wait for the network. It sets w->ms to the longest time until it
 * must be called again, and w->fd to a descriptor whose input ends the wait. */
struct http_wakeup {
	int64_t ms;
	int fd;                 /* -1: none */
};
struct http_before_wait {
	void (*call)(void *self, struct http_wakeup *w);
	void *self;
};
void http_set_before_wait(struct http *h, struct http_before_wait b);

#endif
