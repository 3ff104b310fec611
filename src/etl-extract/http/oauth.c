#include "http/oauth.h"

#include "base/base64.h"
#include "base/clock.h"
#include "http/oauth_answer.h"
#include "http/private_address.h"
#include "http/secret.h"
#include "http/status.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>

/* A token is renewed before it expires: when a tenth of its lifetime is left,
 * or MARGIN_MS, whichever is less. */
enum { BODY_MAX = 16 << 10, HEADER_MAX = 64 << 10, MARGIN_MS = 60000,
	TOKEN_MAX = 16 << 10 };

void
oauth_init(struct oauth *a, const struct extract_opts *o)
{
	a->o = o;
	a->renew_at = INT64_MAX;
	http_answer_init(&a->answer, o->max_body);
}

void
oauth_release(struct oauth *a)
{
	secret_release_buf(&a->answer.body);
	http_answer_release(&a->answer);
}

int
oauth_check(struct oauth *a, struct err *e)
{
	const struct extract_opts *o = a->o;
	bool is_oauth = o->auth != NULL && strcmp(o->auth, "oauth2") == 0;
	struct http_url u;
	bool has_user, is_http;

	if (!is_oauth)
		return o->token_url == NULL && o->client_id == NULL &&
		    o->scope == NULL ? 0 : err_set(e, ERR_USAGE, false,
		    "--token-url, --client-id and --scope need --auth oauth2");
	if (o->token_url == NULL || o->client_id == NULL)
		return err_set(e, ERR_USAGE, false, "--auth oauth2 needs "
		    "--token-url URL and --client-id ID");
	if (http_url_parse(&u, NULL, o->token_url, e) == -1) {
		err_prefix(e, "--token-url");
		return -1;
	}
	has_user = u.has_user;
	is_http = u.is_http;
	a->may_link_local = u.host != NULL && is_link_local(u.host);
	http_url_release(&u);
	return !has_user && is_http ? 0 : err_set(e, ERR_USAGE, false,
	    "--token-url: it must be a URL of http or https without a user "
	    "name");
}

static int
put_token_body(struct buf *b, const char *scope, struct err *e)
{
	buf_str(b, "grant_type=client_credentials");
	if (scope != NULL) {
		buf_str(b, "&scope=");
		percent_encode(b, scope, strlen(scope), false);
	}
	(void)buf_text(b);
	return buf_check(b, e);
}

static int
put_client_auth(struct buf *b, const struct credentials *c, struct err *e)
{
	buf_str(b, "Authorization: Basic ");
	base64_put(b, c->client, strlen(c->client));
	(void)buf_text(b);
	return buf_check(b, e);
}

static ssize_t
read_from_http(void *self, char *p, size_t n, struct err *e)
{
	return http_read(self, p, n, e);
}

static int
request_token(struct oauth *a, const struct credentials *c,
    struct http *http, uint64_t timeout_ms, struct err *e)
{
	char accept[] = "Accept: application/json";
	char type[] = "Content-Type: application/x-www-form-urlencoded";
	const struct lines_reader from = { read_from_http, http };
	struct buf auth, body;
	int rc = -1;

	buf_init(&auth, HEADER_MAX);
	buf_init(&body, BODY_MAX);
	if (put_token_body(&body, a->o->scope, e) == 0 &&
	    put_client_auth(&auth, c, e) == 0) {
		char *const headers[] = { accept, type, auth.data };
		const struct http_request r = { .method = "POST",
		    .url = a->o->token_url, .headers = headers,
		    .n_headers = sizeof(headers) / sizeof(headers[0]),
		    .body = body.data, .body_len = body.len,
		    .timeout = timeout_ms, .public_only = a->was_public,
		    .may_link_local = a->may_link_local };

		rc = http_send(http, &r, &a->answer, e);
		a->was_public |= rc == 0 && !a->answer.from_private;
		if (rc == 0 && a->answer.status < 300)
			rc = http_answer_read(&a->answer, from, e);
	}
	secret_release_buf(&auth);
	buf_release(&body);
	return rc;
}

static int
read_answer(struct oauth *a, struct credentials *c, int64_t asked_at,
    struct err *e)
{
	const struct buf *b = &a->answer.body;
	struct buf token;
	int64_t life;
	int rc;

	buf_init(&token, TOKEN_MAX);
	rc = oauth_answer_read(b->data, b->len, &token, &life, e);
	if (rc == 0)
		rc = credentials_set_token(c, token.data, token.len, e);
	if (rc == 0)
		a->renew_at = life == -1 ? INT64_MAX : asked_at + life -
		    (life / 10 < MARGIN_MS ? life / 10 : MARGIN_MS);
	secret_release_buf(&token);
	return rc;
}

bool
oauth_needs_token(const struct oauth *a, const struct credentials *c)
{
	return c->client != NULL &&
	    (c->token == NULL || clock_ms() >= a->renew_at);
}

int
oauth_set_token(struct oauth *a, struct credentials *c, struct http *http,
    uint64_t timeout_ms, struct err *e)
{
	int64_t now = clock_ms();
	int status, rc;

	rc = request_token(a, c, http, timeout_ms, e);
	status = a->answer.status;
	if (rc == 0 && (status < 200 || status > 299)) {
		rc = status_set_error(&a->answer, c, e);
		if (status == 400)      /* RFC 6749, 5.2: invalid_client ... */
			e->code = ERR_DENIED;
	} else if (rc == 0) {
		rc = read_answer(a, c, now, e);
	}
	if (a->answer.body.data != NULL)
		explicit_bzero(a->answer.body.data, a->answer.body.cap);
	if (rc == -1)
		err_prefix(e, "the token server %s", a->o->token_url);
	return rc;
}
