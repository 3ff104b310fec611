/* Holds the request headers and the secret (--header, --auth, --secret). The
 * user's headers and the secret may only be sent to the origin of the URL that
 * the user gave. The default headers may be sent to any origin.
 * Owns:  copies of all texts; credentials_release() blanks and frees them.
 * Fails: ERR_USAGE for a wrong option; ERR_INPUT for a missing file, and
 *        ERR_DENIED for one that may not be read; ERR_CONFIG for a variable
 *        that is not set, a command that fails or wrong content of a file. */
#ifndef EXTRACT_AUTH_H
#define EXTRACT_AUTH_H

#include "base/buf.h"
#include "common/extract.h"
#include "http/transport.h"

/* Prepares requests for AWS Signature Version 4 (--aws-sigv4). libcurl makes
 * the signature itself.
 * Owns:  the texts of struct sigv4; sigv4_release() blanks and frees them.
 * Fails: ERR_USAGE for a wrong option; ERR_CONFIG for a wrong value of
 *        AWS_REGION or AWS_ACCESS_KEY_ID. */

enum { SIGV4_HASH_HEADER = 256 };

struct sigv4 {
	char *provider;         /* PROVIDER:NAME[:REGION[:SERVICE]]; NULL: the
				 * requests are not signed */
	char *user_password;    /* KEY:SECRET */
	char name[64];          /* for headers x-NAME-..., such as amz */
};

/* Writes the header with the hash of the body to out: libcurl 7.88 does not
 * send this header, but AWS requires it for some services. */
void sigv4_put_hash(const struct sigv4 *s, const char *body, size_t n,
    char out[SIGV4_HASH_HEADER]);
/* Sorts the query parameters of a URL and encodes them as the signature
 * requires: libcurl 7.88 signs the query as it is in the URL. */
int sigv4_sort_query(struct buf *url, struct err *e);

struct credentials {
	char **headers;         /* the first n_default may go to any origin */
	size_t n_headers, n_default;
	bool has_own_accept;    /* headers[0] is etl-extract's own Accept */
	const char *query_param;        /* name of the URL parameter for the
				 * secret, or NULL */
	char *secret;
	char *client;           /* of --auth oauth2: "ID:SECRET", encoded */
	char *token;            /* of --auth oauth2 or AWS_SESSION_TOKEN, or
				 * NULL */
	struct sigv4 sigv4;
	bool from_command;      /* the secret is the output of a command */
	bool may_renew;         /* the token may be fetched, or the command run,
				 * again after a 401 */
	const char *auth;       /* --auth, NULL without it */
	const char *secret_from;        /* --secret or its default */
};

int credentials_load(
    struct credentials *c, const struct extract_opts *o, struct err *e);
void credentials_release(struct credentials *c);
/* Returns the value of the first header of this name, no matter if the user has
 * given the header or it is a default; "" if there is none. */
const char *credentials_header(const struct credentials *c, const char *name);
/* Called after status 401. Forgets the token of --auth oauth2, or runs the
 * command of --secret again. Returns 1, or 0 if it did neither because
 * c->may_renew is not set. */
int credentials_renew(struct credentials *c, struct err *e);
/* Fetches the token of OAuth 2 (RFC 6749, 4.4: client credentials) for --auth
 * oauth2. The id and the secret of the client go to --token-url by HTTP basic
 * authentication.
 * Gives: oauth_needs_token() is true with --auth oauth2 if no token is there or
 *        it expires soon. oauth_request() then requests one. If the answer has
 *        a status 2xx, oauth_read_token() puts its token into *c.
 * Fails: transient if a retry may help; ERR_PEER for an answer without a token.
 *        Messages hide the answer. */

struct oauth {
	const struct extract_opts *o;
	struct http_answer answer;
	int64_t asked_at;       /* clock_ms() of the last request */
	int64_t renew_at;       /* by clock_ms(); INT64_MAX: not known */
	bool may_link_local;    /* --token-url has a link-local address */
	bool was_public;        /* it has answered from a public address */
};

/* Checks --token-url, --client-id and --scope. */
int oauth_check(struct oauth *a, struct err *e);
void oauth_init(struct oauth *a, const struct extract_opts *o);
void oauth_release(struct oauth *a);
bool oauth_needs_token(const struct oauth *a, const struct credentials *c);
int oauth_request(struct oauth *a, const struct credentials *c,
    struct http *http, uint64_t timeout_ms, struct err *e);
int oauth_read_token(
    struct oauth *a, struct credentials *c, struct err *e);

#endif
