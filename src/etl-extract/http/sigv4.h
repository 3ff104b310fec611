/* Signs requests by AWS Signature Version 4 (--aws-sigv4), which libcurl does:
 * this makes what libcurl needs for it.
 * Owns:  the texts of struct sigv4; sigv4_release() blanks and frees them.
 * Fails: ERR_USAGE and ERR_CONFIG, as credentials.h. */
#ifndef EXTRACT_SIGV4_H
#define EXTRACT_SIGV4_H

#include "base/buf.h"
#include "extract.h"

enum { SIGV4_HASH_HEADER = 256 };

struct sigv4 {
	char *provider;         /* PROVIDER:NAME[:REGION[:SERVICE]]; NULL: the
				 * requests are not signed */
	char *user_password;    /* KEY:SECRET */
	char name[64];          /* in the headers x-NAME-..., such as amz */
};

/* Reads AWS_ACCESS_KEY_ID and AWS_REGION. The secret is given. */
int sigv4_load(struct sigv4 *s, const struct extract_opts *o,
    const char *secret, struct err *e);
void sigv4_release(struct sigv4 *s);
/* Makes the header with the hash of the body, which libcurl 7.88 does not send
 * by itself. */
void sigv4_put_hash_header(const struct sigv4 *s, const char *body, size_t n,
    char out[SIGV4_HASH_HEADER]);
/* Sorts the query parameters of a URL and encodes them as the signature needs
 * it: libcurl 7.88 signs the query as it is. */
int sigv4_sort_query(struct buf *url, struct err *e);

#endif
