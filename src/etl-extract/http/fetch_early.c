#include "http/fetch_impl.h"

#include "base/clock.h"
#include "http/rate_limit.h"
#include "http/retry_after.h"

#include <string.h>

enum { LONGEST_PAUSE = 64 };

int
fetch_check_jobs(const struct extract_opts *o, struct err *e)
{
	return o->jobs <= 1 || o->delay == 0 ? 0 : err_set(e, ERR_USAGE, false,
	    "--jobs and --delay: with --jobs, requests do not wait for each "
	    "other: give --rate in place of --delay");
}

/* Reads how many further requests the service accepts. The service has counted
 * only requests that it has answered, so those that it has not answered yet are
 * subtracted. */
void
fetch_note_left(struct fetch *f, const struct http_answer *a)
{
	int64_t left = rate_limit_left(a);

	if (left != -1)
		f->early.left = left - (int64_t)http_count_unanswered(f->http);
}

/* Reads the heads of early answers that have come. If the service asks to wait,
 * no early request is sent before that time. */
static void
note_early_waits(struct fetch *f)
{
	const struct http_answer *a;
	int64_t ms;

	while ((a = http_next_early_head(f->http)) != NULL) {
		pace_note_quota(&f->pace, a);
		fetch_note_left(f, a);
		ms = a->status < 400 ? -1 : retry_after_ms(a, time(NULL));
		if (ms != -1 && a->came_at + ms > f->early.hold_until)
			f->early.hold_until = a->came_at + ms;
	}
}

/* Returns the milliseconds until an early request may be sent; 0 or less:
 * now. */
static int64_t
early_wait_ms(struct fetch *f)
{
	int64_t hold = f->early.hold_until - clock_ms();
	int64_t turn = pace_turn_ms(&f->pace);

	return hold > turn ? hold : turn;
}

static bool
may_begin_early(struct fetch *f)
{
	struct err over;

	return pace_check(&f->pace, &over) == 0 &&
	    f->early.counts_from_request && f->early.pause == 0 &&
	    f->early.left > 0 &&
	    http_count_early(f->http) < f->early.most &&
	    f->recording.from == NULL && !oauth_needs_token(&f->oauth,
	    &f->cred);
}

/* Begins the first upcoming request that is not yet under way. Returns false if
 * none is known, or if it could not be begun: the request is then sent when the
 * caller makes it. */
static bool
begin_next_early(struct fetch *f)
{
	const struct upcoming *u = &f->early.upcoming;
	struct redirect *to = &f->early.redirect;
	const struct request *r;
	struct http_request request;
	struct err e;

	r = u->get(u->self, http_count_early(f->http) + 1);
	if (r == NULL || redirect_begin(to, r, &f->cred, &e) == -1 ||
	    redirect_make(to, &f->cred, pace_timeout(&f->pace), &request,
	    &e) == -1 ||
	    http_begin_early(f->http, &request, &e) == -1)
		return false;
	pace_set_next_turn(&f->pace);
	if (f->early.left != INT64_MAX)
		f->early.left--;
	return true;
}

/* Begins as many early requests as it may. If more may be begun later, sets in
 * *w after how many milliseconds or at which input. */
static void
begin_early(void *self, struct http_wakeup *w)
{
	struct fetch *f = self;
	const struct upcoming *u = &f->early.upcoming;
	int64_t ms = 0;

	note_early_waits(f);
	while (may_begin_early(f) && (ms = early_wait_ms(f)) <= 0 &&
	    begin_next_early(f))
		continue;
	if (ms > 0)
		w->ms = ms;
	else if (u->input != NULL && may_begin_early(f))
		w->fd = u->input(u->self);
}

bool
fetch_match_early(struct fetch *f)
{
	struct early *n = &f->early;
	struct http_request request;
	struct err e;

	n->counts_from_request = true;
	if (http_count_early(f->http) == 0) {
		n->pause -= n->pause > 0;
		return false;
	}
	if (redirect_make(&f->redirect, &f->cred, 0, &request, &e) == 0 &&
	    http_match_early(f->http, &request)) {
		n->most = 2 * n->most < n->jobs - 1 ? 2 * n->most :
		    n->jobs - 1;
		if (n->most == n->jobs - 1)
			n->next_pause = 1;
		return true;
	}
	n->most = 1;
	n->pause = n->next_pause;
	n->next_pause = 2 * n->pause < LONGEST_PAUSE ? 2 * n->pause :
	    LONGEST_PAUSE;
	return false;
}

void
fetch_set_upcoming(struct fetch *f, const struct upcoming *u)
{
	struct early *n = &f->early;

	struct http_before_wait before = { begin_early,
	    f };

	if (u == NULL)
		before.call = NULL;
	http_end_early(f->http);
	http_set_before_wait(f->http, before);
	n->upcoming = u != NULL ? *u : (struct upcoming){ 0 };
	n->jobs = u != NULL ? f->o->jobs : 1;
	n->most = n->jobs - 1;
	n->pause = 0;
	n->next_pause = 1;
	n->left = INT64_MAX;
	n->counts_from_request = false;
}

bool
fetch_has_early(const struct fetch *f)
{
	return http_has_early(f->http);
}
