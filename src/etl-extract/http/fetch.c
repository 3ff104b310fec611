#include "http/fetch_impl.h"

#include "base/clock.h"
#include "base/stop.h"
#include "http/retry_after.h"
#include "http/status.h"
#include "http/status_rule.h"
#include "stdout_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fetch_close(struct fetch *f)
{
	if (f == NULL)
		return;
	http_close(f->http);
	credentials_release(&f->cred);
	redirect_release(&f->redirect);
	redirect_release(&f->early.redirect);
	public_origins_release(&f->public);
	oauth_release(&f->oauth);
	recording_release(&f->recording);
	buf_release(&f->masked);
	free(f);
}

static int
fetch_open(struct fetch **to, const struct extract_opts *o, struct err *e)
{
	const struct http_conf conf = {
	    .connect_timeout = o->connect_timeout,
	    .max_ratio = o->max_ratio, .cacert = o->cacert,
	    .capath = o->capath, .cert = o->cert, .key = o->key,
	    .proxy = o->proxy, .unix_socket = o->unix_socket };
	struct fetch *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return err_nomem(e);
	f->o = o;
	f->retry.max = o->retries;
	redirect_init(&f->redirect, &f->public, SENT_MAX);
	redirect_init(&f->early.redirect, &f->public, SENT_MAX);
	oauth_init(&f->oauth, o);
	buf_init(&f->masked, MASKED_MAX);
	if (status_rules_check(o, e) == -1 ||
	    oauth_check(&f->oauth, e) == -1 ||
	    pace_init(&f->pace, o, e) == -1 ||
	    recording_init(&f->recording, o, &f->cred, e) == -1 ||
	    retry_parse(&f->retry, o->backoff, e) == -1 ||
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

/* Waits for --delay, but not before the first request. Before a retry of the
 * same request, wait_before_retry() waits instead. */
static int
wait_delay(struct fetch *f, struct err *e)
{
	bool has_requested = f->has_requested;

	f->has_requested = true;
	return has_requested ? pace_wait(&f->pace, (int64_t)f->o->delay, e)
			     : 0;
}

/* With --auth oauth2, if there is no token or the token expires soon, requests
 * a new one from --token-url. */
static int
renew_token(struct fetch *f, struct http_answer *a, struct err *e)
{
	f->lacks_token = oauth_needs_token(&f->oauth, &f->cred);
	if (!f->lacks_token)
		return 0;
	a->status = 0;
	a->unreachable = false;
	buf_clear(&a->head);
	if (pace_wait_turn(&f->pace, e) == -1 ||
	    oauth_set_token(&f->oauth, &f->cred, f->http,
	    pace_timeout(&f->pace), e) == -1)
		return -1;
	f->lacks_token = false;
	return 0;
}

/* Fails if the service asks for a wait of ms milliseconds that is longer than
 * the longest time of --backoff. `before` is the start of the message. */
static int
check_wait(struct fetch *f, int64_t ms, const char *before, struct err *e)
{
	struct buf when;

	if (ms <= (int64_t)f->retry.cap)
		return 0;
	buf_init(&when, URL_MASKED_MAX);
	retry_after_show(&when, ms, time(NULL));
	(void)err_set(e, ERR_RETRY, true, "%s: the service asks to wait until "
	    "%s, longer than --backoff allows", before, buf_text(&when));
	buf_release(&when);
	f->concerns_all = true;
	return -1;
}

/* Waits until the rate limit of the service allows a request. Fails if this
 * takes longer than --backoff allows. */
static int
wait_for_quota(struct fetch *f, struct err *e)
{
	int64_t wait = f->pace.quota_at - clock_ms();

	return wait > 0 && (check_wait(f, wait,
	    "the rate limit of the service is used up", e) == -1 ||
	    pace_wait(&f->pace, wait, e) == -1) ? -1 : 0;
}

/* Sends the request, or uses the one that --jobs has begun early. A request
 * that was not begun early first waits for --rate and the rate limit of the
 * service. */
static int
send_at_its_turn(struct fetch *f, struct http_answer *a, struct err *e)
{
	struct redirect *to = &f->redirect;

	to->takes_early = f->tries == 1 && to->count == 0 &&
	    f->early.jobs > 1 && fetch_match_early(f);
	if (!to->takes_early && (wait_for_quota(f, e) == -1 ||
	    pace_wait_turn(&f->pace, e) == -1))
		return -1;
	if (recording_send(&f->recording, to, f->http, &f->cred,
	    pace_timeout(&f->pace), a, e) == -1)
		return -1;
	pace_note_quota(&f->pace, a);
	if (!a->is_noted)
		fetch_note_left(f, a);
	return 0;
}

/* Reads the start of a body with a status below 300, for the message of --on
 * STATUS=fail. For other statuses http_send() has read it already. */
static int
read_body_start(struct fetch *f, struct http_answer *a, struct err *e)
{
	char part[HTTP_ERROR_KEPT];
	ssize_t n = recording_read(&f->recording, f->http, part, sizeof(part),
	    e);

	if (n > 0)
		buf_add(&a->body, part, (size_t)n);
	return n == -1 || buf_check(&a->body, e) == -1 ? -1 :
	    recording_drain(&f->recording, f->http, e);
}

/* Checks the status of an answer. A rule of --on for this status comes before
 * the usual rule of status_check(). */
static int
judge_status(struct fetch *f, struct http_answer *a, struct err *e)
{
	enum status_rule rule = status_rule_of(f->o, a->status);

	a->is_ignored = rule == STATUS_IGNORE;
	a->is_unchanged = rule == STATUS_USUAL && a->status == 304 &&
	    f->redirect.condition.len > 0;
	if (a->is_unchanged)
		return 0;
	if (rule == STATUS_USUAL)
		return status_check(a, &f->cred, e);
	if (rule == STATUS_IGNORE)
		return recording_drain(&f->recording, f->http, e);
	if (a->status < 300 && read_body_start(f, a, e) == -1)
		return -1;
	(void)status_set_error(a, &f->cred, e);
	if (e->code == ERR_IO)
		return -1;
	if (rule == STATUS_RETRY) {
		e->code = ERR_RETRY;
		e->transient = true;
	}
	f->concerns_all = rule == STATUS_FAIL;
	f->concerns_one = rule == STATUS_REJECT;
	return -1;
}

/* Sends the request once and follows its redirects. Fails if the status of the
 * last answer is an error. */
static int
try_request(struct fetch *f, struct err *e)
{
	const struct request *r = f->request;
	struct redirect *to = &f->redirect;
	struct http_answer *a = f->answer;

	f->concerns_all = f->concerns_one = false;
	a->is_ignored = a->is_unchanged = false;
	if (redirect_begin(to, r, &f->cred, e) == -1 ||
	    renew_token(f, a, e) == -1 ||
	    send_at_its_turn(f, a, e) == -1)
		return -1;
	while (is_redirect(a->status))
		if (redirect_set_target(to, a, &f->cred, e) == -1 ||
		    send_at_its_turn(f, a, e) == -1)
			return -1;
	return judge_status(f, a, e);
}

/* Called after try number n has failed. Waits as long as the answer's header
 * Retry-After or X-RateLimit-Reset asks; without such a header, waits for a
 * random time in the range of --backoff. Fails at once if the service asks to
 * wait longer than the longest time of --backoff. */
static int
wait_before_retry(struct fetch *f, uint64_t n, const struct http_answer *a,
    struct err *e)
{
	int64_t age = http_answer_age(a);
	int64_t ms = retry_after_ms(a, time(NULL) - age / 1000);
	char status[32];

	if (ms != -1)
		ms = ms > age ? ms - age : 0;
	(void)snprintf(status, sizeof(status), "status %d", a->status);
	if (check_wait(f, ms, status, e) == -1)
		return -1;
	return pace_wait(&f->pace,
	    ms == -1 ? retry_delay(&f->retry, n) : ms, e);
}

/* Sets the error after the last try. If the last try got a wrong answer
 * (ERR_PEER), the error is not transient, since a later run will probably get
 * the same answer. The exit code is then 76 and not 75 (retry). */
static int
fail_last_try(struct fetch *f, uint64_t tries, const struct http_answer *a,
    struct err *e)
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
	return fetch_mask_error(f, e);
}

/* Called after a try has failed. If the request may be sent again, renews the
 * secret, or waits for as long as necessary, and returns 0. Else sets the final
 * error. */
static int
prepare_retry(struct fetch *f, struct err *e)
{
	const struct http_answer *a = f->answer;
	int renewed;

	if (e->code == ERR_GONE || stop_signal() != 0)
		return -1;
	/* With --replay-from, each try reads the next recorded answer. If this
	 * try failed because of this process, for example because memory is
	 * out, the recorded run had no such failure. So a retry would read the
	 * answer to another request. */
	if (f->recording.from != NULL && e->code == ERR_IO)
		return fetch_mask_error(f, e);
	renewed = a->status == 401 && !f->redirect.left_origin ?
	    credentials_renew(&f->cred, e) : 0;
	if (renewed == 1)
		return 0;
	if (e->transient && !f->pace.is_over)
		(void)pace_check(&f->pace, e);
	if (renewed == -1 || !e->transient || f->pace.is_over ||
	    f->concerns_all || f->concerns_one)
		return fetch_mask_error(f, e);
	if (f->tries > f->retry.max)
		return fail_last_try(f, f->tries, a, e);
	if (wait_before_retry(f, f->tries, a, e) == -1)
		return f->concerns_all || f->pace.is_over ?
		    fetch_mask_error(f, e) : -1;
	return 0;
}

/* Sends the request until the head of a good answer has come, or no retry is
 * left. */
static int
send_with_retries(struct fetch *f, struct err *e)
{
	for (;;) {
		f->tries++;
		if (try_request(f, e) == 0)
			break;
		if (prepare_retry(f, e) == -1)
			return -1;
	}
	f->cred.may_renew = f->cred.from_command || f->cred.client != NULL;
	return 0;
}

int
fetch_send(struct fetch *f, const struct request *r, struct http_answer *a,
    struct err *e)
{
	f->request = r;
	f->answer = a;
	f->tries = 0;
	f->early.counts_from_request = false;
	if (wait_delay(f, e) == -1)
		return -1;
	return send_with_retries(f, e);
}

int
fetch_send_again(struct fetch *f, struct err *e)
{
	struct err ignored;

	(void)recording_drain(&f->recording, f->http, &ignored);
	if (prepare_retry(f, e) == -1)
		return -1;
	return send_with_retries(f, e);
}

ssize_t
fetch_read(struct fetch *f, char *p, size_t n, struct err *e)
{
	if (pace_check(&f->pace, e) == -1)
		return -1;
	return recording_read(&f->recording, f->http, p, n, e);
}

void
fetch_restart_time(struct fetch *f)
{
	http_restart_time(f->http);
}

bool
fetch_may_wait(struct fetch *f)
{
	return recording_may_wait(&f->recording, f->http);
}

static ssize_t
read_for_answer(void *self, char *p, size_t n, struct err *e)
{
	return fetch_read(self, p, n, e);
}

/* Reads the body into a->body, unless --on says that the answer is ignored. */
static int
read_whole_body(struct fetch *f, struct http_answer *a, struct err *e)
{
	const struct lines_reader from = { read_for_answer, f };

	return a->is_ignored ? 0 : http_answer_read(a, from, e);
}

int
fetch_whole(struct fetch *f, const struct request *r,
    const struct answer_check *check, struct http_answer *a, struct err *e)
{
	int rc = fetch_send(f, r, a, e);

	while (rc == 0 && (read_whole_body(f, a, e) == -1 ||
	    check->check(check->self, a, e) == -1))
		rc = fetch_send_again(f, e);
	return rc;
}

bool
fetch_fails_all(const struct fetch *f, const struct err *e)
{
	return f->concerns_all || f->lacks_token || f->pace.is_over ||
	    stop_signal() != 0 || e->code == ERR_IO ||
	    (!f->concerns_one && e->code != ERR_RETRY && e->code != ERR_PEER &&
	    e->code != ERR_INPUT && e->code != ERR_REFUSED);
}
