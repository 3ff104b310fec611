/* Fetches the token of OAuth 2 (RFC 6749, 4.4: client credentials) for --auth
 * oauth2. The id and the secret of the client go to --token-url by HTTP basic
 * authentication.
 * Gives: oauth_needs_token() is true with --auth oauth2 if no token is there or
 *        it expires soon; oauth_set_token() then puts one into *c.
 * Fails: transient if a retry may help; ERR_DENIED if the server refuses the
 *        client; ERR_PEER for an answer without a token. Messages hide the
 *        answer. */
#ifndef EXTRACT_OAUTH_H
#define EXTRACT_OAUTH_H

#include "http/credentials.h"
#include "http/http.h"

struct oauth {
	const struct extract_opts *o;
	struct http_answer answer;
	int64_t renew_at;       /* by clock_ms(); INT64_MAX: not known */
	bool may_link_local;    /* --token-url has a link-local address */
	bool was_public;        /* it has answered from a public address */
};

/* Checks --token-url, --client-id and --scope. */
int oauth_check(struct oauth *a, struct err *e);
void oauth_init(struct oauth *a, const struct extract_opts *o);
void oauth_release(struct oauth *a);
bool oauth_needs_token(const struct oauth *a, const struct credentials *c);
int oauth_set_token(struct oauth *a, struct credentials *c, struct http *http,
    uint64_t timeout_ms, struct err *e);

#endif
