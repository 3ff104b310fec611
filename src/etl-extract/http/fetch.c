#include "http/fetch.h"

#include "base/retry.h"
#include "base/stop.h"
#include "base/text.h"
#include "http/credentials.h"
#include "http/redirect.h"
#include "http/retry_after.h"
#include "http/secret.h"
#include "http/status.h"
#include "http/url.h"
#include "stdout_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All limits are in bytes.
 * READ_MAX: how much of a body is read at once.
 * SENT_MAX: the longest URL that is sent. It may be longer than the URL in the
 * struct request, because --auth query:NAME adds the secret to it.
 * MASKED_MAX: the longest text with its secrets masked. text_show() makes it
 * longer, because it writes several characters for each control character.
 * URL_MASKED_MAX: how much of a URL is shown in a message. */
enum { READ_MAX = 16 << 10, SENT_MAX = 4 * REQUEST_URL_MAX,
	MASKED_MAX = 8 * REQUEST_URL_MAX, URL_MASKED_MAX = 400 };

struct fetch {
	const struct extract_opts *o;
	struct http *http;
	struct credentials cred;
	struct retry retry;
	struct redirect redirect;
	struct buf masked;
	const struct request *request;  /* the last one, and its answer */
	struct http_answer *answer;
	uint64_t tries;         /* of this request */
	bool has_requested;     /* a request was made before */
	bool concerns_all;      /* see fetch_failure_concerns_all() */
};

void
fetch_close(struct fetch *f)
{
	if (f == NULL)
		return;
	http_close(f->http);
	credentials_release(&f->cred);
	redirect_release(&f->redirect);
	buf_release(&f->masked);
	free(f);
}

static int
fetch_open(struct fetch **to, const struct extract_opts *o, struct err *e)
{
	const struct http_conf conf = { .timeout = o->timeout,
	    .connect_timeout = o->connect_timeout };
	struct fetch *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return err_nomem(e);
	f->o = o;
	f->retry.max = o->retries;
	redirect_init(&f->redirect, SENT_MAX);
	buf_init(&f->masked, MASKED_MAX);
	if (retry_parse_backoff_or_env(&f->retry, o->backoff, e) == -1 ||
	    credentials_load(&f->cred, o, e) == -1 ||
	    http_open(&f->http, &conf, e) == -1) {
		fetch_close(f);
		return -1;
	}
	*to = f;
	return 0;
}

int
fetch_open_once(struct fetch **f, struct extract *x, struct err *e)
{
	if (x->fetch == NULL && fetch_open(&x->fetch, &x->opts, e) == -1)
		return -1;
	*f = x->fetch;
	return 0;
}

static const char *
mask_url_for_message(struct fetch *f, const struct buf *url)
{
	struct buf copy;

	buf_init(&copy, SENT_MAX);
	buf_add(&copy, url->data, url->len);
	credentials_mask(&f->cred, &copy);
	if (copy.len > URL_MASKED_MAX) {
		copy.len = URL_MASKED_MAX;
		buf_str(&copy, "...");
	}
	buf_clear(&f->masked);
	text_show(&f->masked, copy.data, copy.len);
	secret_release_buf(&copy);
	return buf_text(&f->masked);
}

const char *
fetch_masked_url(struct fetch *f, const struct request *r)
{
	return mask_url_for_message(f, &r->url);
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
	if (credentials_are_in_cut_text(&f->cred, p, n))
		buf_str(b, "(not shown: it contains the secret)");
	else
		text_show(b, p, n);
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
	if (buf_check(&base, e) == 0 && buf_check(&text, e) == 0) {
		rc = http_url_parse(&to, base.data, text.data, e);
	}
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

/* Puts the URL before the message and masks the secret in both. */
static int
mask_message_and_add_url(struct fetch *f, struct err *e)
{
	struct buf b, masked;

	buf_init(&b, sizeof(e->msg));
	buf_init(&masked, MASKED_MAX);
	buf_str(&b, e->msg);
	credentials_mask_cut_text(&f->cred, &b);
	text_show(&masked, b.data, b.len);
	(void)snprintf(e->msg, sizeof(e->msg), "%s", buf_text(&masked));
	buf_release(&b);
	buf_release(&masked);
	err_prefix(e, "%s", mask_url_for_message(f, &f->redirect.url));
	return -1;
}

/* Waits for --delay, but not before the first request. Before a retry of the
 * same request, wait_before_retry() waits instead. */
static int
wait_delay_unless_first(struct fetch *f, struct err *e)
{
	bool has_requested = f->has_requested;

	f->has_requested = true;
	return has_requested ? sleep_unless_stopped((int64_t)f->o->delay, e)
			     : 0;
}

static int
get_with_redirects(struct fetch *f, struct err *e)
{
	const struct request *r = f->request;
	struct redirect *to = &f->redirect;
	struct http_answer *a = f->answer;

	f->concerns_all = false;
	if (redirect_reset_to_request_with_secret(
		to, r, &f->cred, e) == -1 ||
	    redirect_send_request(to, f->http, &f->cred, a, e) == -1)
		return -1;
	while (is_redirect_status(a->status))
		if (redirect_set_next_url(to, a, &f->cred, e) == -1 ||
		    redirect_send_request(to, f->http, &f->cred, a, e) == -1)
			return -1;
	return status_to_error(a, &f->cred, e);
}

/* Called after try number n has failed. Waits as long as the answer's header
 * Retry-After or X-RateLimit-Reset asks; without such a header, waits for a
 * random time in the range of --backoff. Fails at once if the service asks to
 * wait longer than the longest time of --backoff. */
static int
wait_before_retry(struct fetch *f, uint64_t n, const struct http_answer *a,
    struct err *e)
{
	time_t now = time(NULL);
	int64_t ms = retry_after_ms(a, now);
	struct buf when;

	if (ms > (int64_t)f->retry.cap) {
		buf_init(&when, URL_MASKED_MAX);
		retry_after_show_utc_time(&when, ms, now);
		(void)err_set(e, ERR_RETRY, true, "status %d: the service asks "
		    "to wait until %s, longer than --backoff allows",
		    a->status, buf_text(&when));
		buf_release(&when);
		f->concerns_all = true;
		return -1;
	}
	return sleep_unless_stopped(
	    ms == -1 ? retry_random_delay(&f->retry, n) : ms, e);
}

/* Sets the error after the last try. If the last try got a wrong answer
 * (ERR_PEER), the error is not transient, since a later run will probably get
 * the same answer. The exit code is then 76 and not 75 (retry). */
static int
set_error_after_last_try(
    struct fetch *f, uint64_t tries, const struct http_answer *a, struct err *e)
{
	char last[sizeof(e->msg)];

	if (e->code == ERR_PEER)
		e->transient = false;
	f->concerns_all = a->unreachable;
	if (tries > 1) {
		memcpy(last, e->msg, sizeof(last));
		(void)snprintf(e->msg, sizeof(e->msg), "gave up after %" PRIu64
		    " tries: %.960s", tries, last);
	}
	return mask_message_and_add_url(f, e);
}

/* Called after a try has failed. Returns 0 if the request may be sent again, as
 * soon as it may be. */
static int
prepare_next_try(struct fetch *f, struct err *e)
{
	const struct http_answer *a = f->answer;
	int renewed;

	if (e->code == ERR_GONE || stop_signal() != 0)
		return -1;
	renewed = a->status == 401 && !f->redirect.left_origin ?
	    credentials_renew_command_secret_once(&f->cred, e) : 0;
	if (renewed == 1)
		return 0;
	if (renewed == -1 || !e->transient)
		return mask_message_and_add_url(f, e);
	if (f->tries > f->retry.max)
		return set_error_after_last_try(f, f->tries, a, e);
	if (wait_before_retry(f, f->tries, a, e) == -1)
		return f->concerns_all ? mask_message_and_add_url(f, e) : -1;
	return 0;
}

static int
try_until_answer_begins(struct fetch *f, struct err *e)
{
	for (;;) {
		f->tries++;
		if (get_with_redirects(f, e) == 0)
			break;
		if (prepare_next_try(f, e) == -1)
			return -1;
	}
	f->cred.may_renew = f->cred.from_command;
	return 0;
}

int
fetch_begin(struct fetch *f, const struct request *r, struct http_answer *a,
    struct err *e)
{
	f->request = r;
	f->answer = a;
	f->tries = 0;
	if (wait_delay_unless_first(f, e) == -1)
		return -1;
	return try_until_answer_begins(f, e);
}

int
fetch_begin_again(struct fetch *f, struct err *e)
{
	if (prepare_next_try(f, e) == -1)
		return -1;
	return try_until_answer_begins(f, e);
}

ssize_t
fetch_read(struct fetch *f, char *p, size_t n, struct err *e)
{
	return http_read(f->http, p, n, e);
}

bool
fetch_may_wait(struct fetch *f)
{
	return http_may_wait(f->http);
}

int
fetch_set_final_error(struct fetch *f, struct err *e)
{
	return mask_message_and_add_url(f, e);
}

/* Reads the whole body into a->body. */
static int
read_whole_body(struct fetch *f, struct http_answer *a, struct err *e)
{
	char part[READ_MAX];
	ssize_t n;

	while ((n = fetch_read(f, part, sizeof(part), e)) > 0) {
		buf_add(&a->body, part, (size_t)n);
		if (a->body.full)
			return err_set(e, ERR_PEER, false, "the answer is "
			    "larger than --max-body");
		if (a->body.failed)
			return err_nomem(e);
	}
	return n == 0 ? 0 : -1;
}

int
fetch_get_retry_and_renew_secret(struct fetch *f, const struct request *r,
    const struct answer_check *check, struct http_answer *a, struct err *e)
{
	int rc = fetch_begin(f, r, a, e);

	while (rc == 0 && (read_whole_body(f, a, e) == -1 ||
	    check->check(check->self, a, e) == -1))
		rc = fetch_begin_again(f, e);
	return rc;
}

bool
fetch_failure_concerns_all(const struct fetch *f, const struct err *e)
{
	return f->concerns_all || stop_signal() != 0 ||
	    (e->code != ERR_RETRY && e->code != ERR_PEER &&
	    e->code != ERR_INPUT && e->code != ERR_REFUSED);
}
