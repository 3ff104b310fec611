#include "http/request.h"

#include "http/http.h"
#include "http/url.h"

#include <string.h>

void
request_init(struct request *r)
{
	buf_init(&r->url, REQUEST_URL_MAX);
	buf_init(&r->header, REQUEST_URL_MAX);
}

void
request_release(struct request *r)
{
	buf_release(&r->url);
	buf_release(&r->header);
}

static bool
is_positive_number(const char *p)
{
	return *p != '\0' && p[strspn(p, "0123456789")] == '\0' &&
	    p[strspn(p, "0")] != '\0';
}

static int
check_url_is_valid_without_user(const char *url, struct err *e)
{
	struct http_url u;
	bool user;

	if (http_url_parse(&u, NULL, url, e) == -1) {
		err_prefix(e, "%s", url);
		return -1;
	}
	user = u.has_user;
	http_url_release(&u);
	return user ? err_set(e, ERR_USAGE, false, "the URL contains a user "
	    "name or password: give them with --auth basic and --secret") : 0;
}

int
request_check_options(const struct extract_opts *o, const char *url,
    struct err *e)
{
	const char *eq;

	for (size_t i = 0; i < o->params.n; i++)
		if ((eq = strchr(o->params.v[i], '=')) == NULL ||
		    eq == o->params.v[i])
			return err_set(e, ERR_USAGE, false,
			    "--query-param %s: it must have the form K=V",
			    o->params.v[i]);
	if (o->size != NULL && ((eq = strchr(o->size, '=')) == NULL ||
	    eq == o->size || !is_positive_number(eq + 1)))
		return err_set(e, ERR_USAGE, false,
		    "--size %s: it must have the form NAME=N, with N more "
		    "than 0", o->size);
	if (o->timeout == 0 || o->connect_timeout == 0)
		return err_set(e, ERR_USAGE, false,
		    "--timeout and --connect-timeout must be more than 0");
	return url == NULL ? 0 : check_url_is_valid_without_user(url, e);
}

int
request_set_url_and_params(struct request *r, const struct extract_opts *o,
    const char *url, size_t len, struct err *e)
{
	size_t n;

	buf_clear(&r->url);
	buf_clear(&r->header);
	buf_add(&r->url, url, len);
	for (size_t i = 0; i < o->params.n; i++) {
		n = strcspn(o->params.v[i], "=");
		query_add_dropping_fragment(
		    &r->url, o->params.v[i], n, o->params.v[i] + n + 1);
	}
	if (o->size != NULL) {
		n = strcspn(o->size, "=");
		query_set_dropping_fragment(
		    &r->url, o->size, n, o->size + n + 1);
	}
	if (buf_check(&r->url, e) == 0)
		return 0;
	return e->code != ERR_DATA ? -1 : err_set(e, ERR_USAGE, false,
	    "the URL of a request would be longer than %zu bytes", r->url.max);
}
