/* Edits URLs as text: percent-encoding and query parameters (RFC 3986).
 * percent_encode() appends p[0..n) and encodes all but unreserved characters.
 * With keep_reserved_and_triplets, reserved characters and %XX are not encoded
 * either. query_add() appends a parameter; query_remove() removes all of this
 * name, and the fragment too; query_set() does both. Name and value are given
 * without encoding.
 * Fail: if memory is out, the buffer is marked as failed: see buf_check(). */
#ifndef EXTRACT_URL_H
#define EXTRACT_URL_H

#include "base/buf.h"
#include "json/scan.h"

#include <stdbool.h>

void percent_encode(struct buf *b, const char *p, size_t n,
    bool keep_reserved_and_triplets);
/* Appends a parameter. Removes the fragment of the URL. */
void query_add(struct buf *url, const char *name, size_t n, const char *value);
void query_set(struct buf *url, const char *name, size_t n, const char *value);
void query_remove(struct buf *url, const char *name, size_t n);

/* Expands URI templates (RFC 6570, levels 1 to 3, without fragments) with the
 * members of a record.
 * Scheme, host and port must be written out in the template: a record must not
 * choose the server that receives the credentials.
 * Borrows: the text of the template.
 * Gives: template_expand() returns 1 with the URL in out; 0 if the record does
 *        not fit, with the member and the reason in *f. */

struct template_fault {
	const char *code;       /* of the reject: required, type, encoding or
				 * range */
	const char *why;
	const char *name;       /* of the member, not NUL-terminated */
	size_t len;             /* of name */
};

int template_check(const char *text, struct err *e);
int template_expand(const char *text, const struct json *j, struct buf *out,
    struct template_fault *f, struct err *e);
/* Sets v to the value at token i of j as text, not percent-encoded; i is 0 if
 * the value is absent. Returns 0 with code and why in *f if the value cannot be
 * put into a request. */
int template_value_text(const struct json *j, uint32_t i, struct buf *v,
    struct template_fault *f);

/* A template with one expression, which stands for a list of values. The URL is
 * `before`, then the encoded values with a comma between them, then `after`. */
struct template_list {
	struct buf before, after;
	bool keeps_reserved;    /* {+NAME} */
	bool is_in_path;
};

void template_list_init(struct template_list *l, size_t max);
void template_list_release(struct template_list *l);
/* Splits a template whose only expression is {name}, with or without an
 * operator such as ?. Fails with ERR_USAGE for any other template. */
int template_list_split(struct template_list *l, const char *text,
    const char *name, struct err *e);
/* Appends one value, percent-encoded, without a comma. Returns 0 with code and
 * why in *f if the value cannot be in the list. */
int template_list_put(const struct template_list *l, const struct buf *v,
    struct buf *out, struct template_fault *f);

/* An absolute URL and its origin ("https://host:443"). User name, password and
 * fragment have been removed. */
struct http_url {
	char *text, *origin;
	char *host;             /* without the brackets of an IPv6 address and
				 * the dot at the end of a name */
	bool is_http;           /* the scheme is http or https */
	bool is_https;
	bool has_user;          /* the URL had a user name */
};

/* Resolves the URL reference ref against base. If base is NULL, ref must be an
 * absolute URL. Fails with ERR_USAGE. */
int http_url_parse(struct http_url *u, const char *base, const char *ref,
    struct err *e);
void http_url_release(struct http_url *u);

#endif
