/* Prepares requests for AWS Signature Version 4 (--aws-sigv4). libcurl makes
 * the signature itself.
 * Owns:  the texts of struct sigv4; sigv4_release() blanks and frees them.
 * Fails: ERR_USAGE for a wrong option; ERR_CONFIG for a wrong value of
 *        AWS_REGION or AWS_ACCESS_KEY_ID. */
#ifndef EXTRACT_SIGV4_H
#define EXTRACT_SIGV4_H

#include "base/buf.h"
#include "extract.h"

enum { SIGV4_HASH_HEADER = 256 };

struct sigv4 {
	char *provider;         /* PROVIDER:NAME[:REGION[:SERVICE]]; NULL: the
				 * requests are not signed */
	char *user_password;    /* KEY:SECRET */
	char name[64];          /* for headers x-NAME-..., such as amz */
};

/* Reads the environment variables AWS_ACCESS_KEY_ID and AWS_REGION. The caller
 * has read the secret. */
int sigv4_init(struct sigv4 *s, const struct extract_opts *o,
    const char *secret, struct err *e);
void sigv4_release(struct sigv4 *s);
/* libcurl 7.88 sorts the lines "name:value" that it signs, and the signature
 * needs the order of the names. These orders differ if one name is the start of
 * another one, such as Accept and Accept-Encoding. sigv4_find_wrong_order()
 * returns the header among h[0..n) for which this is so, or which has the same
 * name, or NULL. sigv4_check() refuses such headers (ERR_USAGE). */
const char *sigv4_find_wrong_order(
    char *const *h, size_t n, const char *name);
int sigv4_check(const struct sigv4 *s, char *const *h, size_t n, struct err *e);
/* Writes the header with the hash of the body to out: libcurl 7.88 does not
 * send this header, but AWS requires it for some services. */
void sigv4_put_hash(const struct sigv4 *s, const char *body, size_t n,
    char out[SIGV4_HASH_HEADER]);
/* Sorts the query parameters of a URL and encodes them as the signature
 * requires: libcurl 7.88 signs the query as it is in the URL. */
int sigv4_sort_query(struct buf *url, struct err *e);

#endif
