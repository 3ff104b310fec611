/* HTTP requests by libcurl, which keeps connections open for the next one.
 * Gives: http_send() returns 0 for any status once the headers have come;
 *        redirects are not followed. http_read() gives the decoded body. The
 *        body of the request must stay valid until then.
 * Fails: transient if a retry may help (no connection, time-out, cut body);
 *        ERR_DENIED for a bad certificate or a refused address; ERR_PEER for
 *        a decompression bomb; ERR_GONE or ERR_RETRY as in stdout_reader.h. */
#ifndef EXTRACT_HTTP_H
#define EXTRACT_HTTP_H

#include "base/buf.h"
#include "stream/lines.h"

#include <stdint.h>
#include <sys/types.h>

/* How many bytes of the body of an error (status 300 or more) are kept in
 * answer.body, and how many are read. */
enum { HTTP_ERROR_KEPT = 4096, HTTP_ERROR_READ = 64 << 10 };

struct http_conf {
	uint64_t connect_timeout;       /* milliseconds */
	const char *cacert, *capath, *cert, *key, *proxy, *unix_socket;
};

struct http_request {
	const char *method, *url;
	char *const *headers;
	size_t n_headers;
	const char *body;       /* NULL: none */
	size_t body_len;
	uint64_t timeout;       /* milliseconds */
	const char *sigv4;      /* of libcurl's AWS_SIGV4; NULL: no signature */
	const char *user_password;      /* for the signature */
};

struct http_answer {
	int status;             /* 0 if no answer came */
	bool unreachable;       /* no connection, or no TLS on it */
	bool from_private;      /* the server has a private address */
	bool is_unchanged;      /* status 304 to a conditional request: it
				 * counts as empty */
	bool is_ignored;        /* its status is to be ignored: it counts as
				 * empty */
	struct buf head, body;  /* both are used again by the next request */
};

/* An absolute URL and its origin ("https://host:443"). User name, password and
 * fragment have been removed. */
struct http_url {
	char *text, *origin;
	bool is_http;           /* the scheme is http or https */
	bool is_https;
	bool has_user;          /* the URL had a user name */
};

struct http;

int http_open(struct http **h, const struct http_conf *c, struct err *e);
int http_send(struct http *h, const struct http_request *r,
    struct http_answer *a, struct err *e);
/* Puts up to n bytes of the body of the last answer at p and returns their
 * number; 0 after the last byte of a body that is complete. */
ssize_t http_read(struct http *h, char *p, size_t n, struct err *e);
/* True if http_read() would have to wait for the server. */
bool http_may_wait(struct http *h);
void http_close(struct http *h);
/* If set, requests to private addresses are refused. */
void http_set_public_only(struct http *h, bool public_only);

/* True if the answer has no body by its status, or counts as empty. */
bool http_answer_is_empty(const struct http_answer *a);
void http_answer_init(struct http_answer *a, size_t max_body);
void http_answer_release(struct http_answer *a);
/* Appends a whole body, which `from` gives, to a->body. Fails with ERR_PEER if
 * it is larger than a->body.max. */
int http_answer_read_body(
    struct http_answer *a, struct lines_reader from, struct err *e);
/* How many bytes from p on may be in a header name (RFC 9110: a token). */
size_t http_token_length(const char *p);
/* Finds the first header of that name and sets *value, without white space
 * around it and without a NUL at its end. Returns false if there is none. */
bool http_find_header(const struct http_answer *a, const char *name,
    const char **value, size_t *len);
/* The same from byte *at of the head on, and sets *at behind the header that it
 * finds. Start with 0. */
bool http_next_header(const struct http_answer *a, size_t *at,
    const char *name, const char **value, size_t *len);

/* Resolves the URL reference ref against base. If base is NULL, ref must be an
 * absolute URL. Fails with ERR_USAGE. */
int http_url_parse(struct http_url *u, const char *base, const char *ref,
    struct err *e);
void http_url_release(struct http_url *u);

#endif
