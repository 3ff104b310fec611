#include "http/fetch.h"

#include "base/retry.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/credentials.h"
#include "http/redirect.h"
#include "http/retry_after.h"
#include "http/status.h"
#include "stdout_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The URL that is sent may be longer than the request's: a secret is added. */
enum { SENT_MAX = 4 * REQUEST_URL_MAX, SHOWN_MAX = 8 * REQUEST_URL_MAX,
	URL_SHOWN = 400 };

struct fetch {
	const struct extract_opts *o;
	struct http *http;
	struct credentials cred;
	struct retry retry;
	struct redirect redirect;
	struct buf shown;
	bool begun;             /* there was one before */
	bool hopeless;
};

void
fetch_close(struct fetch *f)
{
	if (f == NULL)
		return;
	http_close(f->http);
	credentials_release(&f->cred);
	redirect_release(&f->redirect);
	buf_release(&f->shown);
	free(f);
}

static int
fetch_open(struct fetch **to, const struct extract_opts *o, struct err *e)
{
	const struct http_conf conf = { .timeout = o->timeout,
	    .connect_timeout = o->connect_timeout, .max_body = o->max_body };
	struct fetch *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return err_nomem(e);
	f->o = o;
	f->retry.max = o->retries;
	redirect_init(&f->redirect, SENT_MAX);
	buf_init(&f->shown, SHOWN_MAX);
	if (retry_backoff(&f->retry, o->backoff, e) == -1 ||
	    credentials_init(&f->cred, o, e) == -1 ||
	    http_open(&f->http, &conf, e) == -1) {
		fetch_close(f);
		return -1;
	}
	*to = f;
	return 0;
}

int
fetch_shared(struct fetch **f, struct extract *x, struct err *e)
{
	if (x->fetch == NULL && fetch_open(&x->fetch, &x->opts, e) == -1)
		return -1;
	*f = x->fetch;
	return 0;
}

static const char *
url_shown(struct fetch *f, const struct buf *url)
{
	struct buf copy;

	buf_init(&copy, SENT_MAX);
	buf_add(&copy, url->data, url->len);
	credentials_mask(&f->cred, &copy);
	if (copy.len > URL_SHOWN) {
		copy.len = URL_SHOWN;
		buf_str(&copy, "...");
	}
	buf_clear(&f->shown);
	text_show(&f->shown, copy.data, copy.len);
	if (copy.data != NULL)
		explicit_bzero(copy.data, copy.cap);
	buf_release(&copy);
	return buf_text(&f->shown);
}

const char *
fetch_shown(struct fetch *f, const struct request *r)
{
	return url_shown(f, &r->url);
}

void
fetch_show(const struct fetch *f, struct buf *b, const struct http_answer *a,
    size_t max)
{
	body_show(b, a, &f->cred, max);
}

/* The message gets the URL, and loses the secret if it has it. */
static int
fetch_failed(struct fetch *f, struct err *e)
{
	struct buf b, shown;

	buf_init(&b, sizeof(e->msg));
	buf_init(&shown, SHOWN_MAX);
	buf_str(&b, e->msg);
	credentials_mask_cut(&f->cred, &b);
	text_show(&shown, b.data, b.len);
	(void)snprintf(e->msg, sizeof(e->msg), "%s", buf_text(&shown));
	buf_release(&b);
	buf_release(&shown);
	err_prefix(e, "%s", url_shown(f, &f->redirect.url));
	return -1;
}

/* --delay lies between any two requests but a try and the next. */
static int
fetch_delay(struct fetch *f, struct err *e)
{
	bool begun = f->begun;

	f->begun = true;
	return begun ? reader_sleep((int64_t)f->o->delay, e) : 0;
}

static int
fetch_try(struct fetch *f, const struct request *r, const struct judge *j,
    struct http_answer *a, struct err *e)
{
	struct redirect *to = &f->redirect;

	f->hopeless = false;
	if (redirect_start(to, &r->url, &r->header, &f->cred, e) == -1 ||
	    redirect_get(to, f->http, &f->cred, a, e) == -1)
		return -1;
	while (status_redirects(a->status))
		if (redirect_follow(to, a, &f->cred, e) == -1 ||
		    redirect_get(to, f->http, &f->cred, a, e) == -1)
			return -1;
	if (status_judge(a, &f->cred, e) == -1)
		return -1;
	return j->look(j->self, a, e);
}

/* Before try n + 1: as long as the service asks, or a random time. */
static int
fetch_wait(struct fetch *f, uint64_t n, const struct http_answer *a,
    struct err *e)
{
	time_t now = time(NULL);
	int64_t ms = retry_after(a, now);
	struct buf when;

	if (ms > (int64_t)f->retry.cap) {
		buf_init(&when, URL_SHOWN);
		retry_after_show(&when, ms, now);
		(void)err_set(e, ERR_RETRY, true, "%d: the service asks to "
		    "wait until %s", a->status, buf_text(&when));
		buf_release(&when);
		f->hopeless = true;
		return -1;
	}
	return reader_sleep(ms == -1 ? retry_wait(&f->retry, n) : ms, e);
}

/* No try is left: what a peer always does wrong is no longer transient. */
static int
fetch_give_up(struct fetch *f, uint64_t tries, const struct http_answer *a,
    struct err *e)
{
	char last[sizeof(e->msg)];

	if (e->code == ERR_PEER)
		e->transient = false;
	f->hopeless = a->unreachable;
	if (tries > 1) {
		memcpy(last, e->msg, sizeof(last));
		(void)snprintf(e->msg, sizeof(e->msg), "after %" PRIu64
		    " tries: %.960s", tries, last);
	}
	return fetch_failed(f, e);
}

int
fetch_get(struct fetch *f, const struct request *r, const struct judge *j,
    struct http_answer *a, struct err *e)
{
	int renewed;

	if (fetch_delay(f, e) == -1)
		return -1;
	for (uint64_t n = 1; fetch_try(f, r, j, a, e) == -1; n++) {
		if (e->code == ERR_GONE || stop_signal() != 0)
			return -1;
		renewed = a->status == 401 && !f->redirect.stranger ?
		    credentials_renew(&f->cred, e) : 0;
		if (renewed == 1)
			continue;
		if (renewed == -1 || !e->transient)
			return fetch_failed(f, e);
		if (n > f->retry.max)
			return fetch_give_up(f, n, a, e);
		if (fetch_wait(f, n, a, e) == -1)
			return f->hopeless ? fetch_failed(f, e) : -1;
	}
	f->cred.again = f->cred.renewable;
	return 0;
}

bool
fetch_hopeless(const struct fetch *f, const struct err *e)
{
	return f->hopeless || stop_signal() != 0 ||
	    (e->code != ERR_RETRY && e->code != ERR_PEER &&
	    e->code != ERR_INPUT && e->code != ERR_REFUSED);
}
