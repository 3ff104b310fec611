#include "http/request.h"

#include "base/file.h"
#include "http/answer.h"
#include "http/url.h"

#include <string.h>

void
request_init(struct request *r)
{
	*r = (struct request){ .method = "GET" };
	buf_init(&r->url, REQUEST_URL_MAX);
	buf_init(&r->header, REQUEST_URL_MAX);
	buf_init(&r->condition, REQUEST_URL_MAX);
	buf_init(&r->body, REQUEST_BODY_MAX);
	buf_init(&r->given_body, REQUEST_BODY_MAX);
}

void
request_release(struct request *r)
{
	buf_release(&r->url);
	buf_release(&r->header);
	buf_release(&r->condition);
	buf_release(&r->body);
	buf_release(&r->given_body);
}

int
request_copy(struct request *r, const struct request *from, struct err *e)
{
	r->source = from->source;
	r->method = from->method;
	r->has_body = from->has_body;
	buf_clear(&r->given_body);
	buf_add(&r->given_body, from->given_body.data, from->given_body.len);
	return buf_check(&r->given_body, e);
}

static bool
is_positive(const char *p)
{
	return *p != '\0' && p[strspn(p, "0123456789")] == '\0' &&
	    p[strspn(p, "0")] != '\0';
}

/* Checks that the URL is valid and has no user name or password. */
static int
check_url(const char *url, struct err *e)
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

/* Refuses HEAD, whose answer has no body and so no records, and CONNECT, which
 * only asks a proxy for a connection. Also refuses a text that cannot be a
 * method. */
static int
check_method(const char *method, struct err *e)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (method == NULL)
		return 0;
	if (*method == '\0' || method[strspn(method, letters)] != '\0')
		return err_set(e, ERR_USAGE, false, "--method %s: it must be "
		    "a method in capital letters, such as POST", method);
	if (strcmp(method, "HEAD") == 0 || strcmp(method, "CONNECT") == 0)
		return err_set(e, ERR_USAGE, false, "--method %s: the answer "
		    "to such a request has no records: use GET or POST",
		    method);
	return 0;
}

int
request_load_body(
    struct request *r, const struct extract_opts *o, struct err *e)
{
	bool is_into_body = o->into != NULL &&
	    strncmp(o->into, "body:", 5) == 0;

	r->has_body = o->body != NULL || is_into_body;
	r->method = o->method != NULL ? o->method :
	    r->has_body ? "POST" : "GET";
	if (o->body == NULL)
		buf_str(&r->given_body, is_into_body ? "{}" : "");
	else if (*o->body != '@')
		buf_str(&r->given_body, o->body);
	else if (file_read(&r->given_body, o->body + 1, e) == -1)
		return -1;
	return buf_check(&r->given_body, e);
}

int
request_check(const struct extract_opts *o, const char *url, struct err *e)
{
	const char *eq;

	for (size_t i = 0; i < o->params.n; i++)
		if ((eq = strchr(o->params.v[i], '=')) == NULL ||
		    eq == o->params.v[i])
			return err_set(e, ERR_USAGE, false,
			    "--query-param %s: it must have the form K=V",
			    o->params.v[i]);
	if (o->size != NULL && ((eq = strchr(o->size, '=')) == NULL ||
	    eq == o->size || !is_positive(eq + 1)))
		return err_set(e, ERR_USAGE, false,
		    "--size %s: it must have the form NAME=N, with N more "
		    "than 0", o->size);
	if (o->timeout == 0 || o->connect_timeout == 0)
		return err_set(e, ERR_USAGE, false,
		    "--timeout and --connect-timeout must be more than 0");
	if (check_method(o->method, e) == -1)
		return -1;
	return url == NULL ? 0 : check_url(url, e);
}

int
request_set_url(struct request *r, const struct extract_opts *o,
    const char *url, size_t len, struct err *e)
{
	size_t n;

	buf_clear(&r->url);
	buf_clear(&r->header);
	buf_clear(&r->condition);
	buf_clear(&r->body);
	r->comes_from_page = false;
	buf_add(&r->body, r->given_body.data, r->given_body.len);
	if (buf_check(&r->body, e) == -1)
		return -1;
	buf_add(&r->url, url, len);
	for (size_t i = 0; i < o->params.n; i++) {
		n = strcspn(o->params.v[i], "=");
		query_add(&r->url, o->params.v[i], n, o->params.v[i] + n + 1);
	}
	if (o->size != NULL) {
		n = strcspn(o->size, "=");
		query_set(&r->url, o->size, n, o->size + n + 1);
	}
	if (buf_check(&r->url, e) == 0)
		return 0;
	return e->code != ERR_DATA ? -1 : err_set(e, ERR_USAGE, false,
	    "the URL of a request would be longer than %zu bytes", r->url.max);
}
