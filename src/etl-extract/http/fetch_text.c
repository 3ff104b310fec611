#include "http/fetch_impl.h"

#include "base/text.h"
#include "http/secret.h"
#include "http/status.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* If memory is out, returns "" and not the part that was written: this part
 * would look like the URL of another page. */
static const char *
mask_url(struct fetch *f, const struct buf *url)
{
	struct buf copy;

	buf_init(&copy, SENT_MAX);
	buf_add(&copy, url->data, url->len);
	credentials_mask_msg(&f->cred, &copy);
	if (copy.len > URL_MASKED_MAX) {
		copy.len = URL_MASKED_MAX;
		buf_str(&copy, "...");
	}
	buf_clear(&f->masked);
	text_show(&f->masked, copy.data, copy.len);
	if (copy.failed || f->masked.failed)
		buf_clear(&f->masked);
	secret_release_buf(&copy);
	return buf_text(&f->masked);
}

const char *
fetch_masked_url(struct fetch *f, const struct request *r)
{
	return mask_url(f, &r->url);
}

const char *
fetch_header(const struct fetch *f, const char *name)
{
	return credentials_header(&f->cred, name);
}

void
fetch_show_body(const struct fetch *f, struct buf *b,
    const struct http_answer *a, size_t max)
{
	answer_show_body(b, a, &f->cred, max);
}

void
fetch_show_text(const struct fetch *f, struct buf *b, const char *p, size_t n)
{
	if (credentials_in_cut(&f->cred, p, n))
		buf_str(b, "(not shown: it contains the secret)");
	else
		text_show(b, p, n);
}

int
fetch_mask_text(const struct fetch *f, struct buf *b, struct err *e)
{
	return credentials_mask(&f->cred, b, e);
}

/* Refuses the URL of a next page that belongs to another origin and contains
 * the secret. This checks its whole text: the request gets the URL without the
 * fragment (see redirect.c, which checks the URL again). */
static int
check_page_origin(const struct fetch *f, const char *ref, size_t n,
    const struct http_url *to, struct err *e)
{
	struct http_url user;
	bool is_same;

	if (http_url_parse(&user, NULL, f->request->source, e) == -1)
		return -1;
	is_same = strcasecmp(user.origin, to->origin) == 0;
	http_url_release(&user);
	return is_same || !redirect_has_secret(&f->cred, ref, n) ? 0 :
	    err_set(e, ERR_DENIED, false, "refused the next page at another "
		"origin: its URL contains the secret");
}

int
fetch_resolve_url(const struct fetch *f, const char *ref, size_t n,
    struct buf *url, struct err *e)
{
	const char *secret_param = f->cred.query_param;
	struct http_url to = { 0 };
	struct buf base, text;
	int rc = -1;

	buf_init(&base, SENT_MAX);
	buf_init(&text, SENT_MAX);
	buf_add(&base, f->redirect.url.data, f->redirect.url.len);
	buf_add(&text, ref, n);
	(void)buf_text(&base);
	(void)buf_text(&text);
	if (buf_check(&base, e) == 0 && buf_check(&text, e) == 0)
		rc = http_url_parse(&to, base.data, text.data, e);
	if (rc == 0)
		rc = check_page_origin(f, ref, n, &to, e);
	if (rc == 0) {
		buf_clear(url);
		buf_str(url, to.text);
		if (secret_param != NULL)
			query_remove(url, secret_param, strlen(secret_param));
		rc = buf_check(url, e);
	}
	if (rc == -1 && (e->code == ERR_USAGE || e->code == ERR_DATA))
		e->code = ERR_PEER;
	secret_release_buf(&base);
	buf_release(&text);
	http_url_release(&to);
	return rc;
}

int
fetch_mask_error(struct fetch *f, struct err *e)
{
	const char *url = mask_url(f, &f->redirect.url);
	struct buf b, masked;

	buf_init(&b, sizeof(e->msg));
	buf_init(&masked, MASKED_MAX);
	buf_str(&b, e->msg);
	credentials_mask_cut(&f->cred, &b);
	text_show(&masked, b.data, b.len);
	(void)buf_text(&masked);
	if (b.failed || masked.failed || *url == '\0') {
		(void)err_nomem(e);
	} else {
		(void)snprintf(e->msg, sizeof(e->msg), "%s", masked.data);
		err_prefix(e, "%s", url);
	}
	buf_release(&b);
	buf_release(&masked);
	return -1;
}
