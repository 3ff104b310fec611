/* Follows redirects and the URLs of next pages that answers contain. Decides
 * what each origin (scheme, host and port) gets: from the first URL of another
 * origin on, the redirects of a request get neither the user's headers nor the
 * secret nor a body. Refuses other schemes than http and https, http after
 * https, and a private address after a public one.
 * Fails: ERR_DENIED for a target that is not allowed; ERR_PEER after 10
 *        redirects or for a Location that is missing or not a URL. */
#ifndef EXTRACT_REDIRECT_H
#define EXTRACT_REDIRECT_H

#include "http/auth.h"
#include "http/http.h"
#include "http/request.h"

/* The last origins that have answered from a public address. All redirects of
 * a process share them. Later requests to such an origin need a public address
 * too: a name server may be made to give a private one (DNS rebinding). */
struct public_origins {
	char **v;
	size_t n, oldest;
};

struct redirect {
	struct public_origins *public;
	char *origin;           /* of the last request that was made */
	struct buf url;         /* of the next request that is sent */
	struct buf header;      /* "Name: value" for the user's origin or "" */
	struct buf condition;   /* "If-None-Match: ..." likewise, or "" */
	const char *method;     /* of the next request that is sent */
	const struct buf *body; /* its body, NULL for none */
	unsigned count;         /* redirects followed so far */
	bool left_origin;       /* this URL, or one before it, is not of the
				 * user's origin */
	bool met_public;        /* a public address has answered this request,
				 * or has given the URL of this page */
	const char *given;      /* URL or template that the user gave */
	bool takes_any_type;    /* do not ask for JSON */
	bool takes_early;       /* the request may have been begun early */
	char **lines;           /* the headers of the last request */
	char hash[SIGV4_HASH_HEADER];
};

/* Prepares for a new request: copies its URL and header, and adds the secret of
 * --auth query:NAME to the URL. The body must stay valid. */
int redirect_begin(struct redirect *r, const struct request *from,
    const struct credentials *c, struct err *e);
/* Sets *to to the request of r->url, with only those headers that its origin
 * may receive. *to is valid as long as *r is not changed. */
int redirect_make(struct redirect *r, const struct credentials *c,
    uint64_t timeout_ms, struct http_request *to, struct err *e);
/* Makes this request and sends it. */
int redirect_send(struct redirect *r, struct http *http,
    const struct credentials *c, uint64_t timeout_ms, struct http_answer *a,
    struct err *e);
/* Sets r->url to the target of an answer that is a redirect. */
int redirect_set_target(struct redirect *r, const struct http_answer *a,
    const struct credentials *c, struct err *e);

/* True if this text of a URL contains the secret or half of it, and also if
 * memory is out. */
bool redirect_has_secret(const struct credentials *c, const char *p, size_t n);

void redirect_init(struct redirect *r, struct public_origins *p,
    size_t max_bytes_of_each);
void redirect_release(struct redirect *r);
void public_origins_release(struct public_origins *p);

#endif
