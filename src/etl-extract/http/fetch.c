#include "http/fetch.h"

#include "base/clock.h"
#include "base/retry.h"
#include "base/stop.h"
#include "base/text.h"
#include "common/stdout_reader.h"
#include "http/mask.h"
#include "http/private_address.h"
#include "http/recording.h"
#include "http/secret.h"
#include "http/transport.h"
#include "http/url.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Decides when the next request may be sent: after --delay, --rate and the rate
 * limit of the service, and before --max-time is over.
 * Gives: pace_wait_turn() waits for --rate, pace_wait() for ms. pace_timeout():
 *        how long a request may take.
 * Fails: ERR_RETRY, at once, if --max-time would be over before the wait ends:
 *        is_over is then set. A wait also fails where sleep_watching() does.
 * Units: milliseconds, microseconds in the names that end in _us. */
struct pace {
	int64_t interval_us;    /* of --rate, or 0 */
	int64_t next_us;        /* the next request may be sent from here on */
	int64_t end;            /* of --max-time, by clock_ms(); 0: none */
	int64_t quota_at;       /* by clock_ms(): from then on the service has
				 * requests left */
	bool is_over;
	const struct extract_opts *o;
};

enum { RATE_MOST = 1000000 };

/* Returns the microseconds between two requests, or 0 if the text is not a rate
 * such as 2/s or 100/m. */
static int64_t
parse_rate(const char *text)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		{ "/s", 1000000 }, { "/m", INT64_C(60) * 1000000 },
		{ "/h", INT64_C(3600) * 1000000 },
	};
	size_t digits = strspn(text, "0123456789");
	uint64_t n = digits == 0 || digits > 9 ? 0 :
	    strtoull(text, NULL, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + digits, units[i].name) == 0 && n > 0 &&
		    n <= RATE_MOST)
			return (units[i].us + (int64_t)n - 1) / (int64_t)n;
	return 0;
}

/* Fails with ERR_USAGE for a wrong --rate. */
static int
pace_init(struct pace *p, const struct extract_opts *o, struct err *e)
{
	*p = (struct pace){ .o = o };
	if (o->rate != NULL && (p->interval_us = parse_rate(o->rate)) == 0)
		return err_set(e, ERR_USAGE, false, "--rate %s: it must be a "
		    "number of requests from 1 to %d and a unit: N/s, N/m or "
		    "N/h", o->rate, RATE_MOST);
	if (o->max_time != 0)
		p->end = clock_ms() + (int64_t)o->max_time;
	return 0;
}

/* Fails if --max-time will be over in ms milliseconds. */
static int
pace_check(struct pace *p, int64_t ms, struct err *e)
{
	if (p->end == 0 || clock_ms() + ms < p->end)
		return 0;
	p->is_over = true;
	return err_set(e, ERR_RETRY, true, "stopped by --max-time before all "
	    "records were read: run the command again, or give a longer time");
}

static int
pace_wait(struct pace *p, int64_t ms, struct err *e)
{
	return pace_check(p, ms, e) == -1 ? -1 : sleep_watching(ms, e);
}

static int
pace_wait_turn(struct pace *p, struct err *e)
{
	int64_t now = clock_ms() * 1000, wait_us = p->next_us - now;

	if (wait_us < 0 || p->next_us == 0)
		wait_us = 0;
	p->next_us = now + wait_us + p->interval_us;
	if (pace_wait(p, (wait_us + 999) / 1000, e) == -1)
		return -1;
	now = clock_ms() * 1000;        /* the wait may have been longer */
	if (p->next_us < now + p->interval_us)
		p->next_us = now + p->interval_us;
	return 0;
}

/* Sets quota_at if the answer says that no requests are left. */
static void
pace_note_quota(struct pace *p, const struct http_answer *a)
{
	int64_t age = http_answer_age(a);
	int64_t wait = rate_limit_wait_ms(a, time(NULL) - age / 1000);
	int64_t at = clock_ms() - age + wait;

	if (wait > 0 && at > p->quota_at)
		p->quota_at = at;
}

static uint64_t
pace_timeout(const struct pace *p)
{
	int64_t left = p->end == 0 ? INT64_MAX : p->end - clock_ms();

	if (left < 1)
		left = 1;
	return p->o->timeout < (uint64_t)left ? p->o->timeout : (uint64_t)left;
}

/* Follows redirects and the URLs of next pages that answers contain. Decides
 * what each origin (scheme, host and port) gets: from the first URL of another
 * origin on, the redirects of a request get neither the user's headers nor the
 * secret nor a body. Refuses other schemes than http and https, http after
 * https, and a private address after a public one.
 * Fails: ERR_DENIED for a target that is not allowed; ERR_PEER after 10
 *        redirects or for a Location that is missing or not a URL. */

/* The last origins that have answered from a public address. All redirects of
 * a process share them. Later requests to such an origin need a public address
 * too: a name server may be made to give a private one (DNS rebinding). */
struct public_origins {
	char **v;
	size_t n, oldest;
};

struct redirect {
	struct public_origins *public;
	char *origin;           /* of the last request that was made */
	struct buf url;         /* of the next request that is sent */
	struct buf header;      /* "Name: value" for the user's origin or "" */
	struct buf condition;   /* "If-None-Match: ..." likewise, or "" */
	const char *method;     /* of the next request that is sent */
	const struct buf *body; /* its body, NULL for none */
	unsigned count;         /* redirects followed so far */
	bool left_origin;       /* this URL, or one before it, is not of the
				 * user's origin */
	bool met_public;        /* a public address has answered this request,
				 * or has given the URL of this page */
	const char *given;      /* URL or template that the user gave */
	bool takes_any_type;    /* do not ask for JSON */
	bool takes_early;       /* the request may have been begun early */
	char **lines;           /* the headers of the last request */
	char hash[SIGV4_HASH_HEADER];
};

enum { REDIRECTS_MAX = 10, TARGET_SHOWN = 200, TARGET_MAX = 2048,
	ORIGINS_MAX = 1000 };

static bool
public_origins_have(const struct public_origins *p, const char *origin)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcasecmp(p->v[i], origin) == 0)
			return true;
	return false;
}

/* Beyond ORIGINS_MAX, forgets the oldest origin. */
static int
public_origins_add(
    struct public_origins *p, const char *origin, struct err *e)
{
	char *copy;

	if (public_origins_have(p, origin))
		return 0;
	if (p->v == NULL &&
	    (p->v = calloc(ORIGINS_MAX, sizeof(*p->v))) == NULL)
		return err_nomem(e);
	if ((copy = strdup(origin)) == NULL)
		return err_nomem(e);
	if (p->n < ORIGINS_MAX) {
		p->v[p->n++] = copy;
		return 0;
	}
	free(p->v[p->oldest]);
	p->v[p->oldest] = copy;
	p->oldest = (p->oldest + 1) % ORIGINS_MAX;
	return 0;
}

static void
public_origins_release(struct public_origins *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	memset(p, 0, sizeof(*p));
}

static void
redirect_init(struct redirect *r, struct public_origins *p,
    size_t max_bytes_of_each)
{
	memset(r, 0, sizeof(*r));
	r->public = p;
	buf_init(&r->url, max_bytes_of_each);
	buf_init(&r->header, max_bytes_of_each);
	buf_init(&r->condition, max_bytes_of_each);
}

static void
redirect_release(struct redirect *r)
{
	secret_release_buf(&r->url);
	secret_release_buf(&r->header);
	buf_release(&r->condition);
	free(r->lines);
	free(r->origin);
}

/* Sets to->headers to the headers of all requests plus those of this one. If
 * requests are signed, also sets the fields for the signature. */
static int
add_request_headers(struct redirect *r, const struct credentials *c,
    struct http_request *to, struct err *e)
{
	const bool is_signed = c->sigv4.provider != NULL;

	free(r->lines);
	r->lines = calloc(to->n_headers + 3, sizeof(*r->lines));
	if (r->lines == NULL)
		return err_nomem(e);
	memcpy(r->lines, to->headers, to->n_headers * sizeof(*r->lines));
	if (r->header.len > 0)
		r->lines[to->n_headers++] = r->header.data;
	if (r->condition.len > 0)
		r->lines[to->n_headers++] = r->condition.data;
	if (is_signed) {
		sigv4_put_hash(&c->sigv4, to->body, to->body_len, r->hash);
		r->lines[to->n_headers++] = r->hash;
		to->sigv4 = c->sigv4.provider;
		to->user_password = c->sigv4.user_password;
	}
	to->headers = r->lines;
	return 0;
}

/* True if this is the host of the URL or template that the user gave. */
static bool
is_given_host(const struct redirect *r, const char *host)
{
	char *start = r->given == NULL ? NULL :
	    strndup(r->given, strcspn(r->given, "{"));
	struct http_url u;
	struct err ignored;
	bool is_same;

	if (start == NULL || http_url_parse(&u, NULL, start, &ignored) == -1) {
		free(start);
		return false;
	}
	is_same = u.host != NULL && strcasecmp(u.host, host) == 0;
	http_url_release(&u);
	free(start);
	return is_same;
}

/* Says which addresses the request may connect to. An address in the URL is
 * checked here too: a proxy would hide it later. */
static int
limit_addresses(struct redirect *r, struct http_request *to, struct err *e)
{
	struct http_url u;
	int rc = 0;

	free(r->origin);
	r->origin = NULL;
	to->public_only = r->left_origin && r->met_public;
	if (http_url_parse(&u, NULL, r->url.data, e) == -1)
		return e->code == ERR_IO ? -1 : 0;      /* libcurl says why */
	r->origin = u.origin;
	u.origin = NULL;
	to->public_only = (r->left_origin && r->met_public) ||
	    public_origins_have(r->public, r->origin);
	to->host_is_private = u.host == NULL || is_private_host(u.host);
	to->may_link_local = u.host != NULL && is_link_local(u.host) &&
	    is_given_host(r, u.host);
	if (to->public_only && to->host_is_private)
		rc = fail_private(e);
	else if (u.host != NULL && is_link_local(u.host) && !to->may_link_local)
		rc = fail_link_local(e);
	http_url_release(&u);
	return rc;
}

/* Sets *to to the request of r->url, with only those headers that its origin
 * may receive. *to is valid as long as *r is not changed. */
static int
redirect_make(struct redirect *r, const struct credentials *c,
    uint64_t timeout_ms, struct http_request *to, struct err *e)
{
	const size_t skip = r->takes_any_type && c->has_own_accept;

	*to = (struct http_request){ .method = r->method,
	    .timeout = timeout_ms, .headers = c->headers + skip,
	    .n_headers = r->left_origin ? c->n_default : c->n_headers };
	to->n_headers -= skip;
	if (c->sigv4.provider != NULL && !r->left_origin &&
	    sigv4_sort_query(&r->url, e) == -1)
		return -1;
	(void)buf_text(&r->url);
	(void)buf_text(&r->header);
	(void)buf_text(&r->condition);
	if (buf_check(&r->url, e) == -1 || buf_check(&r->header, e) == -1 ||
	    buf_check(&r->condition, e) == -1)
		return -1;
	if (limit_addresses(r, to, e) == -1)
		return -1;
	to->url = r->url.data;
	if (r->body != NULL) {
		to->body = r->body->data == NULL ? "" : r->body->data;
		to->body_len = r->body->len;
	}
	if (r->left_origin || (r->header.len == 0 && r->condition.len == 0 &&
	    c->sigv4.provider == NULL))
		return 0;
	return add_request_headers(r, c, to, e);
}

static int
refuse_target(const struct redirect *r, const char *to,
    const struct credentials *c, const char *why, struct err *e)
{
	struct buf b, copy;

	buf_init(&b, TARGET_MAX);
	buf_init(&copy, r->url.max);
	buf_str(&copy, to);
	credentials_mask_msg(c, &copy);
	text_show(&b, copy.data, copy.len > TARGET_SHOWN ? TARGET_SHOWN :
	    copy.len);
	(void)err_set(e, ERR_DENIED, false, "refused %s %s: %s",
	    r->count == 0 ? "the next page at" : "a redirect to",
	    buf_text(&b), why);
	secret_release_buf(&copy);
	buf_release(&b);
	return -1;
}

/* True if this text of a URL contains the secret or half of it, and also if
 * memory is out. The parameter of --auth query:NAME does not count: another
 * origin does not get it. */
static bool
redirect_has_secret(const struct credentials *c, const char *p, size_t n)
{
	const char *fragment = n == 0 ? NULL : memchr(p, '#', n);
	const size_t before = fragment == NULL ? n : (size_t)(fragment - p);
	struct buf b;
	bool found;

	buf_init(&b, n + 1);
	buf_add(&b, p, before);
	if (c->query_param != NULL)
		query_remove(&b, c->query_param, strlen(c->query_param));
	buf_add(&b, p + before, n - before);
	found = b.failed || credentials_in_url(c, b.data, b.len);
	secret_release_buf(&b);
	return found;
}

/* ref is the text from which *to was made. Checks that the request may go to
 * this URL, and sets r->url to it. */
static int
set_target_url(struct redirect *r, const struct http_url *from,
    const struct http_url *to, const char *ref, const struct credentials *c,
    struct err *e)
{
	if (!to->is_http)
		return refuse_target(r, to->text, c,
		    "it is not http or https", e);
	if (from->is_https && !to->is_https)
		return refuse_target(r, to->text, c,
		    "it leads from https to "
		    "http, which is not encrypted", e);
	if (strcasecmp(from->origin, to->origin) != 0)
		r->left_origin = true;
	if (r->left_origin && r->body != NULL)
		return refuse_target(r, to->text, c, "another origin must not "
		    "get the body of the request", e);
	buf_clear(&r->url);
	buf_str(&r->url, to->text);
	if (c->query_param != NULL && r->left_origin)
		query_remove(&r->url, c->query_param, strlen(c->query_param));
	else if (c->query_param != NULL && c->secret != NULL)
		query_set(&r->url, c->query_param, strlen(c->query_param),
		    c->secret);
	if (buf_check(&r->url, e) == -1)
		return -1;
	/* Never send the secret to another origin: the service may have copied
	 * it from the request into the URL of the target. The text before it
	 * was parsed counts too: in "SECRET&#61;" the # begins a fragment, so
	 * the URL has the secret without its last character. */
	if (r->left_origin &&
	    (redirect_has_secret(c, ref, strlen(ref)) ||
		redirect_has_secret(c, r->url.data, r->url.len)))
		return refuse_target(r, "another origin", c,
		    "its URL contains the secret", e);
	return 0;
}

/* Sets r->url to the URL of the next page that an answer contained. This URL
 * must pass the same checks as the target of a redirect. */
static int
set_page_url(struct redirect *r, const struct request *from,
    const struct credentials *c, struct err *e)
{
	struct http_url user, page = { 0 };
	struct buf url;
	int rc;

	if (http_url_parse(&user, NULL, from->source, e) == -1)
		return -1;
	buf_init(&url, r->url.max);
	buf_add(&url, from->url.data, from->url.len);
	(void)buf_text(&url);
	rc = buf_check(&url, e);
	if (rc == 0)
		rc = http_url_parse(&page, NULL, url.data, e);
	if (rc == 0)
		rc = set_target_url(r, &user, &page, url.data, c, e);
	secret_release_buf(&url);
	http_url_release(&user);
	http_url_release(&page);
	return rc;
}

/* Prepares for a new request: copies its URL and header, and adds the secret of
 * --auth query:NAME to the URL. The body must stay valid. */
static int
redirect_begin(struct redirect *r, const struct request *from,
    const struct credentials *c, struct err *e)
{
	r->count = 0;
	r->left_origin = false;
	r->given = from->source;
	r->takes_any_type = from->takes_any_type;
	r->method = from->method;
	r->body = from->has_body ? &from->body : NULL;
	buf_clear(&r->header);
	buf_add(&r->header, from->header.data, from->header.len);
	buf_clear(&r->condition);
	buf_add(&r->condition, from->condition.data, from->condition.len);
	if (buf_check(&r->header, e) == -1 ||
	    buf_check(&r->condition, e) == -1)
		return -1;
	if (from->comes_from_page)
		return set_page_url(r, from, c, e);
	r->met_public = false;
	buf_clear(&r->url);
	buf_add(&r->url, from->url.data, from->url.len);
	if (c->query_param != NULL && c->secret != NULL)
		query_set(&r->url, c->query_param, strlen(c->query_param),
		    c->secret);
	return buf_check(&r->url, e);
}

/* Sets r->url to the target of an answer that is a redirect. */
static int
redirect_set_target(struct redirect *r, const struct http_answer *a,
    const struct credentials *c, struct err *e)
{
	struct http_url from, to = { 0 };
	struct buf ref;
	const char *v;
	size_t n;
	int rc = -1;

	if (r->count++ == REDIRECTS_MAX)
		return err_set(e, ERR_PEER, false,
		    "more than %d redirects for one request: the service may "
		    "redirect in a loop", REDIRECTS_MAX);
	if (!http_find_header(a, "Location", &v, &n) || n == 0)
		return err_set(e, ERR_PEER, false, "status %d is a redirect, "
		    "but the answer has no Location header", a->status);
	/* After 303, and after 301 and 302 for a POST, the target is requested
	 * with GET (RFC 9110, 15.4). */
	if (a->status == 303 || ((a->status == 301 || a->status == 302) &&
	    strcmp(r->method, "POST") == 0)) {
		r->method = "GET";
		r->body = NULL;
	}
	if (http_url_parse(&from, NULL, buf_text(&r->url), e) == -1)
		return -1;
	buf_init(&ref, r->url.max);
	buf_add(&ref, v, n);
	if (buf_check(&ref, e) == 0 && http_url_parse(&to, from.text,
	    buf_text(&ref), e) == 0)
		rc = set_target_url(r, &from, &to, buf_text(&ref), c, e);
	else if (e->code != ERR_IO)
		(void)err_set(e, ERR_PEER, false, "status %d is a redirect, "
		    "but its Location header is not a valid URL", a->status);
	secret_release_buf(&ref);
	http_url_release(&from);
	http_url_release(&to);
	return rc;
}

/* All limits are in bytes.
 * SENT_MAX: the longest URL that is sent. It may be longer than the URL in the
 * struct request, because --auth query:NAME adds the secret to it.
 * MASKED_MAX: the longest text with its secrets masked. text_show() makes it
 * longer, because it writes several characters for each control character.
 * URL_MASKED_MAX: how much of a URL is shown in a message. */
enum { SENT_MAX = 4 * REQUEST_URL_MAX, MASKED_MAX = 8 * REQUEST_URL_MAX,
	URL_MASKED_MAX = 400 };

/* State of the early requests of --jobs, which are sent before the caller makes
 * them. If the caller then makes another request, the early ones were useless:
 * `most` falls to 1, and no request is begun early during the next `pause`
 * requests. `most` doubles after each early request that was of use. */
struct early {
	struct upcoming upcoming;
	struct redirect redirect;       /* of the early request being begun */
	uint64_t jobs;
	uint64_t most;          /* limit of early requests at a time */
	uint64_t pause, next_pause;
	int64_t hold_until;     /* no early request before this clock_ms() */
	int64_t left;           /* further requests that the service accepts;
				 * INT64_MAX: unknown */
	bool counts_from_request;       /* the first upcoming request is the one
				 * after the present one; false before the
				 * present one is sent */
};

struct fetch {
	const struct extract_opts *o;
	struct http *http;
	struct credentials cred;
	struct retry retry;
	struct redirect redirect;
	struct public_origins public;
	struct pace pace;
	struct oauth oauth;
	struct recording recording;
	struct early early;
	struct buf masked;
	const struct request *request;  /* the last one, and its answer */
	struct http_answer *answer;
	uint64_t tries;         /* of this request */
	bool has_requested;     /* a request was made before */
	bool concerns_all;      /* see fetch_fails_all() */
	bool concerns_one;      /* the failure concerns one record only: --on
				 * STATUS=reject */
	bool lacks_token;       /* the last try got no token */
};

enum { LONGEST_PAUSE = 64 };

int
fetch_check_jobs(const struct extract_opts *o, struct err *e)
{
	return o->jobs <= 1 || o->delay == 0 ? 0 : err_set(e, ERR_USAGE, false,
	    "--jobs and --delay: with --jobs, requests do not wait for each "
	    "other: give --rate in place of --delay");
}

/* Stores how many further requests the service accepts, if the answer contains
 * this number. The service has counted only requests that it has answered, so
 * those that it has not answered yet are subtracted. */
static void
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
	const int64_t now = clock_ms();
	int64_t hold = f->early.hold_until - now;
	int64_t turn = (f->pace.next_us + 999) / 1000 - now;

	if (turn < f->pace.quota_at - now)
		turn = f->pace.quota_at - now;
	if (turn < 0)
		turn = 0;
	return hold > turn ? hold : turn;
}

static bool
may_begin_early(struct fetch *f)
{
	struct err over;

	return pace_check(&f->pace, 0, &over) == 0 &&
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
	f->pace.next_us = clock_ms() * 1000 + f->pace.interval_us;
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

/* Called before the first try of a request. Returns true if the request was
 * begun early. Adapts `most` and `pause` of struct early. */
static bool
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

/* SEARCHED_MAX: how many bytes of a body are searched for the secret. They are
 * more than the bytes that are shown, because an escaped secret can be long. */
enum { ERROR_SHOWN = 200, SHOWN_MAX = 4096, SEARCHED_MAX = 64 << 10 };

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308;
}

/* Appends the first max bytes of the body as one line, with control characters
 * escaped. If the body contains the secret, appends a note in its place. */
static void
answer_show_body(struct buf *b, const struct http_answer *a,
    const struct credentials *c, size_t max)
{
	size_t n = a->body.len > SEARCHED_MAX ? SEARCHED_MAX : a->body.len;

	if (credentials_in_cut(c, a->body.data, n))
		buf_str(b, "(not shown: the answer contains the secret)");
	else
		text_show(b, a->body.data, n > max ? max : n);
}

static enum err_code
code_of_status(const struct http_answer *a, bool *transient)
{
	int s = a->status;

	*transient = s == 408 || s == 425 || s == 429 || s >= 500 ||
	    is_rate_limited(a);
	if (*transient)
		return ERR_RETRY;
	if (s == 404 || s == 410)
		return ERR_INPUT;
	if (s == 401 || s == 403)
		return ERR_DENIED;
	return s >= 400 ? ERR_REFUSED : ERR_PEER;
}

/* Sets the error for any status, also for 2xx if --on makes it an error: the
 * message "status STATUS: BODY". The error is transient for 408, 425, 429, 5xx,
 * and if is_rate_limited(). Returns -1. */
static int
status_set_error(const struct http_answer *a, const struct credentials *c,
    struct err *e)
{
	enum err_code code;
	bool transient;
	struct buf b;

	code = code_of_status(a, &transient);
	buf_init(&b, SHOWN_MAX);
	answer_show_body(&b, a, c, ERROR_SHOWN);
	if (b.len == 0)
		buf_str(&b, "(the answer has no body)");
	if (a->status == 401 && c->auth == NULL)
		buf_str(&b, ": the service requires credentials: give --auth");
	else if (a->status == 401)
		buf_printf(&b, ": the service does not accept --%s%.20s "
		    "with the secret of %.100s", c->sigv4.provider != NULL ?
		    "" : "auth ", c->auth, c->from_command ?
		    "cmd:COMMAND" : c->secret_from);
	(void)buf_text(&b);
	if (buf_check(&b, e) == 0)
		(void)err_set(
		    e, code, transient, "status %d: %s", a->status, b.data);
	buf_release(&b);
	return -1;
}

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
 * fragment (see set_target_url(), which checks the URL again). */
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

/* Finds the action of --on STATUS=fail|retry|ignore|reject for the status of an
 * answer.
 * Gives: STATUS_USUAL for a status that no --on names. If several name it, the
 *        last one counts.
 * Fails: ERR_USAGE for a wrong --on. */

enum status_rule {
	STATUS_FAIL, STATUS_RETRY, STATUS_IGNORE, STATUS_REJECT, STATUS_USUAL
};

enum { DIGITS = 3 };

static const char *const actions[] = {
	"fail", "retry", "ignore", "reject", NULL
};

static int
check_on_option(const char *rule, bool has_each, struct err *e)
{
	int status = (int)strtol(rule, NULL, 10), action;

	if (strspn(rule, "0123456789") != DIGITS || rule[DIGITS] != '=' ||
	    status < 200 || status > 599)
		return err_set(e, ERR_USAGE, false, "--on %s: it must have the "
		    "form STATUS=fail|retry|ignore|reject, with a status from "
		    "200 to 599, such as 404=ignore", rule);
	if (is_redirect(status))
		return err_set(e, ERR_USAGE, false, "--on %s: an answer with "
		    "this status is a redirect, which is followed", rule);
	action = suggest_choice("--on", rule + DIGITS + 1, actions, e);
	if (action == STATUS_REJECT && !has_each)
		return err_set(e, ERR_USAGE, false, "--on %s needs --each: "
		    "without it there is no record to reject", rule);
	return action == -1 ? -1 : 0;
}

static enum status_rule
status_rule_of(const struct extract_opts *o, int status)
{
	enum status_rule found = STATUS_USUAL;

	for (size_t i = 0; i < o->on.n; i++) {
		if (strtol(o->on.v[i], NULL, 10) != status)
			continue;
		for (found = STATUS_FAIL; found < STATUS_REJECT &&
		    strcmp(o->on.v[i] + DIGITS + 1, actions[found]) != 0;
		    found++)
			continue;
	}
	return found;
}

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
	for (size_t i = 0; i < o->on.n; i++)
		if (check_on_option(o->on.v[i], o->each != NULL, e) == -1) {
			fetch_close(f);
			return -1;
		}
	if (oauth_check(&f->oauth, e) == -1 ||
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

/* With --auth oauth2, if there is no token or the token expires soon, requests
 * a new one from --token-url. */
static int
renew_token(struct fetch *f, struct http_answer *a, struct err *e)
{
	struct oauth *o = &f->oauth;
	int rc;

	f->lacks_token = oauth_needs_token(&f->oauth, &f->cred);
	if (!f->lacks_token)
		return 0;
	a->status = 0;
	a->unreachable = false;
	buf_clear(&a->head);
	if (pace_wait_turn(&f->pace, e) == -1)
		return -1;
	rc = oauth_request(
	    o, &f->cred, f->http, pace_timeout(&f->pace), e);
	if (rc == 0 && (o->answer.status < 200 || o->answer.status > 299)) {
		rc = status_set_error(&o->answer, &f->cred, e);
		if (o->answer.status == 400)    /* RFC 6749, 5.2:
						 * invalid_client ... */
			e->code = ERR_DENIED;
	} else if (rc == 0) {
		rc = oauth_read_token(o, &f->cred, e);
	}
	if (o->answer.body.data != NULL)
		explicit_bzero(o->answer.body.data, o->answer.body.cap);
	if (rc == -1) {
		err_prefix(e, "the token server %s", f->o->token_url);
		return -1;
	}
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

/* Sends the request of f->redirect and records its answer. With --replay-from,
 * reads the answer from the recording instead. */
static int
send_once(struct fetch *f, struct http_answer *a, struct err *e)
{
	struct redirect *to = &f->redirect;
	struct http_request request;

	if (recording_set_request(
		&f->recording, to->method, &to->url, e) == -1)
		return -1;
	if (f->recording.from != NULL)
		return recording_next(&f->recording, a, e);
	if (redirect_make(to, &f->cred, pace_timeout(&f->pace), &request,
		e) == -1)
		return -1;
	request.takes_early = to->takes_early && to->count == 0;
	if (http_send(f->http, &request, a, e) == -1)
		return -1;
	to->met_public |= !a->from_private;
	if (!a->from_private && to->origin != NULL &&
	    public_origins_add(to->public, to->origin, e) == -1)
		return -1;
	return f->recording.to == NULL ? 0 :
	    recording_begin(&f->recording, a, e);
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
	if (send_once(f, a, e) == -1)
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
 * the usual rule: 2xx is success. */
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
		return a->status >= 200 && a->status < 300 ? 0 :
		    status_set_error(a, &f->cred, e);
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
		(void)pace_check(&f->pace, 0, e);
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
	/* Before a retry of the same request, wait_before_retry() waits
	 * instead. */
	if (f->has_requested &&
	    pace_wait(&f->pace, (int64_t)f->o->delay, e) == -1)
		return -1;
	f->has_requested = true;
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
	if (pace_check(&f->pace, 0, e) == -1)
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

int
fetch_whole(struct fetch *f, const struct request *r,
    const struct answer_check *check, struct http_answer *a, struct err *e)
{
	const struct lines_reader from = { read_for_answer, f };
	int rc = fetch_send(f, r, a, e);

	/* The body of an answer that --on ignores is not read. */
	while (rc == 0 &&
	    ((!a->is_ignored && http_answer_read(a, from, e) == -1) ||
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
