/* Holds the request headers and the secret (--header, --auth, --secret). The
 * user's headers and the secret may only be sent to the origin of the URL that
 * the user gave. The default headers may be sent to any origin.
 * Owns:  copies of all texts; credentials_release() blanks and frees them.
 * Fails: ERR_USAGE for a wrong option; ERR_INPUT for a missing file, and
 *        ERR_DENIED for one that may not be read; ERR_CONFIG for a variable
 *        that is not set, a command that fails or wrong content of a file. */
#ifndef EXTRACT_CREDENTIALS_H
#define EXTRACT_CREDENTIALS_H

#include "base/buf.h"
#include "extract.h"
#include "http/sigv4.h"

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
/* Sets the token of --auth oauth2 in the header Authorization. */
int credentials_set_token(
    struct credentials *c, const char *p, size_t n, struct err *e);
/* Called after status 401. Forgets the token of --auth oauth2, or runs the
 * command of --secret again. Returns 1, or 0 if it did neither because
 * c->may_renew is not set. */
int credentials_renew(struct credentials *c, struct err *e);
/* These functions find each copy of the secret, also an escaped one
 * (find_secret.h). With --auth basic they also find the password alone, and
 * USER:PASSWORD in base64. With --auth oauth2 they also find the token, and
 * ID:SECRET in base64. A cut text is the start of a longer text. If a cut text
 * ends with the start of the secret, this start counts as a copy. Half of a
 * secret counts too, except for credentials_mask(), whose text is used again as
 * data. */
bool credentials_in_url(const struct credentials *c, const char *p, size_t n);
bool credentials_in_cut(const struct credentials *c, const char *p, size_t n);
/* Replaces each copy of the secret by ***. Fails if memory is out, or if an
 * earlier append to the buffer has failed. */
int credentials_mask(const struct credentials *c, struct buf *b, struct err *e);
/* Like credentials_mask(), for messages. They do not fail: if memory is out,
 * they replace the whole text by ***. */
void credentials_mask_msg(const struct credentials *c, struct buf *b);
void credentials_mask_cut(const struct credentials *c, struct buf *b);

#endif
