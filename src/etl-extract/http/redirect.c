#include "http/redirect.h"

#include "base/text.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REDIRECTS_MAX = 10, TARGET_SHOWN = 200, SHOWN_MAX = 2048 };

void
redirect_init(struct redirect *r, size_t max)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->url, max);
	buf_init(&r->header, max);
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

void
redirect_release(struct redirect *r)
{
	wipe(&r->url);
	wipe(&r->header);
}

int
redirect_start(struct redirect *r, const struct buf *url,
    const struct buf *header, const struct credentials *c, struct err *e)
{
	r->count = 0;
	r->stranger = r->public = false;
	buf_clear(&r->url);
	buf_add(&r->url, url->data, url->len);
	if (c->param != NULL)
		query_set(&r->url, c->param, strlen(c->param), c->secret);
	buf_clear(&r->header);
	buf_add(&r->header, header->data, header->len);
	if (buf_check(&r->header, e) == -1)
		return -1;
	return buf_check(&r->url, e);
}

static int
redirect_send(struct redirect *r, struct http *http,
    const struct credentials *c, struct http_answer *a, struct err *e)
{
	size_t n = r->stranger ? c->own : c->n;
	char **lines;
	int rc;

	if (r->stranger || r->header.len == 0)
		return http_get(http, buf_text(&r->url), c->header, n, a, e);
	if ((lines = calloc(n + 1, sizeof(*lines))) == NULL)
		return err_nomem(e);
	memcpy(lines, c->header, n * sizeof(*lines));
	(void)buf_text(&r->header);
	lines[n] = r->header.data;
	rc = http_get(http, buf_text(&r->url), lines, n + 1, a, e);
	free(lines);
	return rc;
}

int
redirect_get(struct redirect *r, struct http *http,
    const struct credentials *c, struct http_answer *a, struct err *e)
{
	http_wary(http, r->stranger && r->public);
	if (redirect_send(r, http, c, a, e) == -1)
		return -1;
	if (r->count == 0)
		r->public = !a->near;
	return 0;
}

static int
denied(const struct redirect *r, const char *to, const struct credentials *c,
    const char *why, struct err *e)
{
	struct buf b, copy;

	buf_init(&b, SHOWN_MAX);
	buf_init(&copy, r->url.max);
	buf_str(&copy, to);
	credentials_mask(c, &copy);
	text_show(&b, copy.data, copy.len > TARGET_SHOWN ? TARGET_SHOWN :
	    copy.len);
	(void)err_set(e, ERR_DENIED, false, "redirect to %s: %s", buf_text(&b),
	    why);
	wipe(&copy);
	buf_release(&b);
	return -1;
}

/* The secret itself, wherever a service may have copied it to. */
static bool
carries_secret(const struct buf *url, const struct credentials *c)
{
	struct buf masked;
	bool found;

	buf_init(&masked, url->max);
	buf_add(&masked, url->data, url->len);
	credentials_mask(c, &masked);
	found = masked.failed || masked.len != url->len ||
	    memcmp(masked.data, url->data, url->len) != 0;
	wipe(&masked);
	return found;
}

static int
redirect_move(struct redirect *r, const struct http_url *from,
    const struct http_url *to, const struct credentials *c, struct err *e)
{
	if (!to->http)
		return denied(r, to->text, c, "not http or https", e);
	if (from->secure && !to->secure)
		return denied(r, to->text, c, "from https to http", e);
	if (strcasecmp(from->origin, to->origin) != 0)
		r->stranger = true;
	buf_clear(&r->url);
	buf_str(&r->url, to->text);
	if (c->param != NULL && r->stranger)
		query_drop(&r->url, c->param, strlen(c->param));
	else if (c->param != NULL)
		query_set(&r->url, c->param, strlen(c->param), c->secret);
	if (buf_check(&r->url, e) == -1)
		return -1;
	if (r->stranger && carries_secret(&r->url, c))
		return denied(r, "", c, "it carries the secret to another "
		    "origin", e);
	return 0;
}

int
redirect_follow(struct redirect *r, const struct http_answer *a,
    const struct credentials *c, struct err *e)
{
	struct http_url from, to = { 0 };
	struct buf ref;
	const char *v;
	size_t n;
	int rc = -1;

	if (r->count++ == REDIRECTS_MAX)
		return err_set(e, ERR_PEER, false,
		    "more than %d redirects: a loop?", REDIRECTS_MAX);
	if (!http_header(a, "Location", &v, &n) || n == 0)
		return err_set(e, ERR_PEER, false, "%d without a Location",
		    a->status);
	if (http_url_init(&from, NULL, buf_text(&r->url), e) == -1)
		return -1;
	buf_init(&ref, r->url.max);
	buf_add(&ref, v, n);
	if (buf_check(&ref, e) == 0 && http_url_init(&to, from.text,
	    buf_text(&ref), e) == 0)
		rc = redirect_move(r, &from, &to, c, e);
	else if (e->code != ERR_IO)
		(void)err_set(e, ERR_PEER, false, "%d with a Location that is "
		    "no URL", a->status);
	wipe(&ref);
	http_url_release(&from);
	http_url_release(&to);
	return rc;
}
