#include "http/redirect.h"

#include "base/text.h"
#include "http/private_address.h"
#include "http/secret.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REDIRECTS_MAX = 10, TARGET_SHOWN = 200, SHOWN_MAX = 2048,
	ORIGINS_MAX = 1000 };

static bool
public_origins_have(const struct public_origins *p, const char *origin)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcasecmp(p->v[i], origin) == 0)
			return true;
	return false;
}

/* Beyond ORIGINS_MAX, forgets the oldest origin. */
static int
public_origins_add(
    struct public_origins *p, const char *origin, struct err *e)
{
	char *copy;

	if (public_origins_have(p, origin))
		return 0;
	if (p->v == NULL &&
	    (p->v = calloc(ORIGINS_MAX, sizeof(*p->v))) == NULL)
		return err_nomem(e);
	if ((copy = strdup(origin)) == NULL)
		return err_nomem(e);
	if (p->n < ORIGINS_MAX) {
		p->v[p->n++] = copy;
		return 0;
	}
	free(p->v[p->oldest]);
	p->v[p->oldest] = copy;
	p->oldest = (p->oldest + 1) % ORIGINS_MAX;
	return 0;
}

void
public_origins_release(struct public_origins *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	memset(p, 0, sizeof(*p));
}

void
redirect_init(struct redirect *r, struct public_origins *p,
    size_t max_bytes_of_each)
{
	memset(r, 0, sizeof(*r));
	r->public = p;
	buf_init(&r->url, max_bytes_of_each);
	buf_init(&r->header, max_bytes_of_each);
	buf_init(&r->condition, max_bytes_of_each);
}

void
redirect_release(struct redirect *r)
{
	secret_release_buf(&r->url);
	secret_release_buf(&r->header);
	buf_release(&r->condition);
	free(r->lines);
	free(r->origin);
}

/* Sets to->headers to the headers of all requests plus those of this one. If
 * requests are signed, also sets the fields for the signature. */
static int
add_request_headers(struct redirect *r, const struct credentials *c,
    struct http_request *to, struct err *e)
{
	const bool is_signed = c->sigv4.provider != NULL;

	free(r->lines);
	r->lines = calloc(to->n_headers + 3, sizeof(*r->lines));
	if (r->lines == NULL)
		return err_nomem(e);
	memcpy(r->lines, to->headers, to->n_headers * sizeof(*r->lines));
	if (r->header.len > 0)
		r->lines[to->n_headers++] = r->header.data;
	if (r->condition.len > 0)
		r->lines[to->n_headers++] = r->condition.data;
	if (is_signed) {
		sigv4_put_hash(&c->sigv4, to->body, to->body_len, r->hash);
		r->lines[to->n_headers++] = r->hash;
		to->sigv4 = c->sigv4.provider;
		to->user_password = c->sigv4.user_password;
	}
	to->headers = r->lines;
	return 0;
}

/* True if this is the host of the URL or template that the user gave. */
static bool
is_given_host(const struct redirect *r, const char *host)
{
	char *start = r->given == NULL ? NULL :
	    strndup(r->given, strcspn(r->given, "{"));
	struct http_url u;
	struct err ignored;
	bool is_same;

	if (start == NULL || http_url_parse(&u, NULL, start, &ignored) == -1) {
		free(start);
		return false;
	}
	is_same = u.host != NULL && strcasecmp(u.host, host) == 0;
	http_url_release(&u);
	free(start);
	return is_same;
}

/* Says which addresses the request may connect to. An address in the URL is
 * checked here too: a proxy would hide it later. */
static int
limit_addresses(struct redirect *r, struct http_request *to, struct err *e)
{
	struct http_url u;
	int rc = 0;

	free(r->origin);
	r->origin = NULL;
	to->public_only = r->left_origin && r->met_public;
	if (http_url_parse(&u, NULL, r->url.data, e) == -1)
		return e->code == ERR_IO ? -1 : 0;      /* libcurl says why */
	r->origin = u.origin;
	u.origin = NULL;
	to->public_only = (r->left_origin && r->met_public) ||
	    public_origins_have(r->public, r->origin);
	to->host_is_private = u.host == NULL || is_private_host(u.host);
	to->may_link_local = u.host != NULL && is_link_local(u.host) &&
	    is_given_host(r, u.host);
	if (to->public_only && to->host_is_private)
		rc = fail_private(e);
	else if (u.host != NULL && is_link_local(u.host) && !to->may_link_local)
		rc = fail_link_local(e);
	http_url_release(&u);
	return rc;
}

int
redirect_make(struct redirect *r, const struct credentials *c,
    uint64_t timeout_ms, struct http_request *to, struct err *e)
{
	const size_t skip = r->takes_any_type && c->has_own_accept;

	*to = (struct http_request){ .method = r->method,
	    .timeout = timeout_ms, .headers = c->headers + skip,
	    .n_headers = r->left_origin ? c->n_default : c->n_headers };
	to->n_headers -= skip;
	if (c->sigv4.provider != NULL && !r->left_origin &&
	    sigv4_sort_query(&r->url, e) == -1)
		return -1;
	(void)buf_text(&r->url);
	(void)buf_text(&r->header);
	(void)buf_text(&r->condition);
	if (buf_check(&r->url, e) == -1 || buf_check(&r->header, e) == -1 ||
	    buf_check(&r->condition, e) == -1)
		return -1;
	if (limit_addresses(r, to, e) == -1)
		return -1;
	to->url = r->url.data;
	if (r->body != NULL) {
		to->body = r->body->data == NULL ? "" : r->body->data;
		to->body_len = r->body->len;
	}
	if (r->left_origin || (r->header.len == 0 && r->condition.len == 0 &&
	    c->sigv4.provider == NULL))
		return 0;
	return add_request_headers(r, c, to, e);
}

int
redirect_send(struct redirect *r, struct http *http,
    const struct credentials *c, uint64_t timeout_ms, struct http_answer *a,
    struct err *e)
{
	struct http_request to;

	if (redirect_make(r, c, timeout_ms, &to, e) == -1)
		return -1;
	to.takes_early = r->takes_early && r->count == 0;
	if (http_send(http, &to, a, e) == -1)
		return -1;
	if (a->from_private)
		return 0;
	r->met_public = true;
	return r->origin == NULL ? 0 :
	    public_origins_add(r->public, r->origin, e);
}

static int
refuse_target(const struct redirect *r, const char *to,
    const struct credentials *c, const char *why, struct err *e)
{
	struct buf b, copy;

	buf_init(&b, SHOWN_MAX);
	buf_init(&copy, r->url.max);
	buf_str(&copy, to);
	credentials_mask_msg(c, &copy);
	text_show(&b, copy.data, copy.len > TARGET_SHOWN ? TARGET_SHOWN :
	    copy.len);
	(void)err_set(e, ERR_DENIED, false, "refused %s %s: %s",
	    r->count == 0 ? "the next page at" : "a redirect to",
	    buf_text(&b), why);
	secret_release_buf(&copy);
	buf_release(&b);
	return -1;
}

/* The parameter of --auth query:NAME does not count: another origin does not
 * get it. */
bool
redirect_has_secret(const struct credentials *c, const char *p, size_t n)
{
	const char *fragment = n == 0 ? NULL : memchr(p, '#', n);
	const size_t before = fragment == NULL ? n : (size_t)(fragment - p);
	struct buf b;
	bool found;

	buf_init(&b, n + 1);
	buf_add(&b, p, before);
	if (c->query_param != NULL)
		query_remove(&b, c->query_param, strlen(c->query_param));
	buf_add(&b, p + before, n - before);
	found = b.failed || credentials_in_url(c, b.data, b.len);
	secret_release_buf(&b);
	return found;
}

/* ref is the text from which *to was made. Checks that the request may go to
 * this URL, and sets r->url to it. */
static int
set_target_url(struct redirect *r, const struct http_url *from,
    const struct http_url *to, const char *ref, const struct credentials *c,
    struct err *e)
{
	if (!to->is_http)
		return refuse_target(r, to->text, c,
		    "it is not http or https", e);
	if (from->is_https && !to->is_https)
		return refuse_target(r, to->text, c,
		    "it leads from https to "
		    "http, which is not encrypted", e);
	if (strcasecmp(from->origin, to->origin) != 0)
		r->left_origin = true;
	if (r->left_origin && r->body != NULL)
		return refuse_target(r, to->text, c, "another origin must not "
		    "get the body of the request", e);
	buf_clear(&r->url);
	buf_str(&r->url, to->text);
	if (c->query_param != NULL && r->left_origin)
		query_remove(&r->url, c->query_param, strlen(c->query_param));
	else if (c->query_param != NULL && c->secret != NULL)
		query_set(&r->url, c->query_param, strlen(c->query_param),
		    c->secret);
	if (buf_check(&r->url, e) == -1)
		return -1;
	/* Never send the secret to another origin: the service may have copied
	 * it from the request into the URL of the target. The text before it
	 * was parsed counts too: in "SECRET&#61;" the # begins a fragment, so
	 * the URL has the secret without its last character. */
	if (r->left_origin &&
	    (redirect_has_secret(c, ref, strlen(ref)) ||
		redirect_has_secret(c, r->url.data, r->url.len)))
		return refuse_target(r, "another origin", c,
		    "its URL contains the secret", e);
	return 0;
}

/* Sets r->url to the URL of the next page that an answer contained. This URL
 * must pass the same checks as the target of a redirect. */
static int
set_page_url(struct redirect *r, const struct request *from,
    const struct credentials *c, struct err *e)
{
	struct http_url user, page = { 0 };
	struct buf url;
	int rc;

	if (http_url_parse(&user, NULL, from->source, e) == -1)
		return -1;
	buf_init(&url, r->url.max);
	buf_add(&url, from->url.data, from->url.len);
	(void)buf_text(&url);
	rc = buf_check(&url, e);
	if (rc == 0)
		rc = http_url_parse(&page, NULL, url.data, e);
	if (rc == 0)
		rc = set_target_url(r, &user, &page, url.data, c, e);
	secret_release_buf(&url);
	http_url_release(&user);
	http_url_release(&page);
	return rc;
}

int
redirect_begin(struct redirect *r, const struct request *from,
    const struct credentials *c, struct err *e)
{
	r->count = 0;
	r->left_origin = false;
	r->given = from->source;
	r->takes_any_type = from->takes_any_type;
	r->method = from->method;
	r->body = from->has_body ? &from->body : NULL;
	buf_clear(&r->header);
	buf_add(&r->header, from->header.data, from->header.len);
	buf_clear(&r->condition);
	buf_add(&r->condition, from->condition.data, from->condition.len);
	if (buf_check(&r->header, e) == -1 ||
	    buf_check(&r->condition, e) == -1)
		return -1;
	if (from->comes_from_page)
		return set_page_url(r, from, c, e);
	r->met_public = false;
	buf_clear(&r->url);
	buf_add(&r->url, from->url.data, from->url.len);
	if (c->query_param != NULL && c->secret != NULL)
		query_set(&r->url, c->query_param, strlen(c->query_param),
		    c->secret);
	return buf_check(&r->url, e);
}

/* After 303, and after 301 and 302 for a POST, the target is requested with GET
 * (RFC 9110, 15.4). */
static void
adapt_method(struct redirect *r, int status)
{
	bool moved = status == 301 || status == 302;

	if (status != 303 && !(moved && strcmp(r->method, "POST") == 0))
		return;
	r->method = "GET";
	r->body = NULL;
}

int
redirect_set_target(struct redirect *r, const struct http_answer *a,
    const struct credentials *c, struct err *e)
{
	struct http_url from, to = { 0 };
	struct buf ref;
	const char *v;
	size_t n;
	int rc = -1;

	if (r->count++ == REDIRECTS_MAX)
		return err_set(e, ERR_PEER, false,
		    "more than %d redirects for one request: the service may "
		    "redirect in a loop", REDIRECTS_MAX);
	if (!http_find_header(a, "Location", &v, &n) || n == 0)
		return err_set(e, ERR_PEER, false, "status %d is a redirect, "
		    "but the answer has no Location header", a->status);
	adapt_method(r, a->status);
	if (http_url_parse(&from, NULL, buf_text(&r->url), e) == -1)
		return -1;
	buf_init(&ref, r->url.max);
	buf_add(&ref, v, n);
	if (buf_check(&ref, e) == 0 && http_url_parse(&to, from.text,
	    buf_text(&ref), e) == 0)
		rc = set_target_url(r, &from, &to, buf_text(&ref), c, e);
	else if (e->code != ERR_IO)
		(void)err_set(e, ERR_PEER, false, "status %d is a redirect, "
		    "but its Location header is not a valid URL", a->status);
	secret_release_buf(&ref);
	http_url_release(&from);
	http_url_release(&to);
	return rc;
}
