/* What may be sent to one origin only: the user's headers, cookies, token.
 * Owns:  copies of all; credentials_release() blanks and frees them.
 * Gives: header[0..own) for any origin, header[0..n) for the user's;
 *        param, NULL or the query parameter that carries the secret.
 * Fails: ERR_USAGE for what is malformed, ERR_INPUT for a missing file,
 *        ERR_CONFIG for a variable not set or a command that fails. */
#ifndef EXTRACT_CREDENTIALS_H
#define EXTRACT_CREDENTIALS_H

#include "base/buf.h"
#include "extract.h"

struct credentials {
	char **header;
	size_t n, own;
	const char *param;
	char *secret;
	bool renewable, again;  /* a command, which may be run once more */
	const char *auth, *from;
};

int credentials_init(struct credentials *c, const struct extract_opts *o,
    struct err *e);
void credentials_release(struct credentials *c);
/* Runs the secret's command once more, after a 401: 1 if there was one. */
int credentials_renew(struct credentials *c, struct err *e);
/* Puts *** where the secret stands in the text; cut: and where only its start
 * stands, at the end. */
void credentials_mask(const struct credentials *c, struct buf *b);
void credentials_mask_cut(const struct credentials *c, struct buf *b);

#endif
