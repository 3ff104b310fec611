#include "http/redirect.h"

#include "base/text.h"
#include "http/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOPS = 10, TARGET_SHOWN = 200, SHOWN_MAX = 2048 };

void
hop_init(struct hop *h, size_t max)
{
	memset(h, 0, sizeof(*h));
	buf_init(&h->url, max);
	buf_init(&h->header, max);
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

void
hop_release(struct hop *h)
{
	wipe(&h->url);
	wipe(&h->header);
}

int
hop_start(struct hop *h, const struct buf *url, const struct buf *header,
    const struct credentials *c, struct err *e)
{
	h->count = 0;
	h->stranger = h->public = false;
	buf_clear(&h->url);
	buf_add(&h->url, url->data, url->len);
	if (c->param != NULL)
		query_set(&h->url, c->param, strlen(c->param), c->secret);
	buf_clear(&h->header);
	buf_add(&h->header, header->data, header->len);
	if (buf_check(&h->header, e) == -1)
		return -1;
	return buf_check(&h->url, e);
}

static int
hop_send(struct hop *h, struct http *http, const struct credentials *c,
    struct http_answer *a, struct err *e)
{
	size_t n = h->stranger ? c->own : c->n;
	char **lines;
	int rc;

	if (h->stranger || h->header.len == 0)
		return http_get(http, buf_text(&h->url), c->header, n, a, e);
	if ((lines = calloc(n + 1, sizeof(*lines))) == NULL)
		return err_nomem(e);
	memcpy(lines, c->header, n * sizeof(*lines));
	(void)buf_text(&h->header);
	lines[n] = h->header.data;
	rc = http_get(http, buf_text(&h->url), lines, n + 1, a, e);
	free(lines);
	return rc;
}

int
hop_get(struct hop *h, struct http *http, const struct credentials *c,
    struct http_answer *a, struct err *e)
{
	http_wary(http, h->stranger && h->public);
	if (hop_send(h, http, c, a, e) == -1)
		return -1;
	if (h->count == 0)
		h->public = !a->near;
	return 0;
}

static int
denied(const struct hop *h, const char *to, const struct credentials *c,
    const char *why, struct err *e)
{
	struct buf b, copy;

	buf_init(&b, SHOWN_MAX);
	buf_init(&copy, h->url.max);
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
hop_move(struct hop *h, const struct http_url *from,
    const struct http_url *to, const struct credentials *c, struct err *e)
{
	if (!to->http)
		return denied(h, to->text, c, "not http or https", e);
	if (from->secure && !to->secure)
		return denied(h, to->text, c, "from https to http", e);
	if (strcasecmp(from->origin, to->origin) != 0)
		h->stranger = true;
	buf_clear(&h->url);
	buf_str(&h->url, to->text);
	if (c->param != NULL && h->stranger)
		query_drop(&h->url, c->param, strlen(c->param));
	else if (c->param != NULL)
		query_set(&h->url, c->param, strlen(c->param), c->secret);
	if (buf_check(&h->url, e) == -1)
		return -1;
	if (h->stranger && carries_secret(&h->url, c))
		return denied(h, "", c, "it carries the secret to another "
		    "origin", e);
	return 0;
}

int
hop_follow(struct hop *h, const struct http_answer *a,
    const struct credentials *c, struct err *e)
{
	struct http_url from, to = { 0 };
	struct buf ref;
	const char *v;
	size_t n;
	int rc = -1;

	if (h->count++ == HOPS)
		return err_set(e, ERR_PEER, false,
		    "more than %d redirects: a loop?", HOPS);
	if (!http_header(a, "Location", &v, &n) || n == 0)
		return err_set(e, ERR_PEER, false, "%d without a Location",
		    a->status);
	if (http_url_init(&from, NULL, buf_text(&h->url), e) == -1)
		return -1;
	buf_init(&ref, h->url.max);
	buf_add(&ref, v, n);
	if (buf_check(&ref, e) == 0 && http_url_init(&to, from.text,
	    buf_text(&ref), e) == 0)
		rc = hop_move(h, &from, &to, c, e);
	else if (e->code != ERR_IO)
		(void)err_set(e, ERR_PEER, false, "%d with a Location that is "
		    "no URL", a->status);
	wipe(&ref);
	http_url_release(&from);
	http_url_release(&to);
	return rc;
}
