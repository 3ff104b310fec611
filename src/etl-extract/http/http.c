#include "http/http.h"

#include "base/clock.h"
#include "base/stop.h"
#include "common/stdout_reader.h"
#include "http/transfer.h"

#include <curl/curl.h>
#include <stdlib.h>

struct http {
	struct http_conf conf;
	void *multi;                    /* libcurl's, with all connections */
	/* Of the last http_send(). */
	struct transfer *current;
	struct transfer *early;         /* the early requests, in order */
	struct transfer *spare;         /* not in use, for later requests */
	struct http_before_wait before_wait;
	struct sockets sockets;         /* of the connections */
};

void
http_set_before_wait(struct http *h, struct http_before_wait b)
{
	h->before_wait = b;
}

static void
free_list(struct transfer *t, void *multi)
{
	struct transfer *next;

	for (; t != NULL; t = next) {
		next = t->next;
		transfer_free(t, multi);
	}
}

static void
http_free_transfers(struct http *h)
{
	free_list(h->current, h->multi);
	free_list(h->early, h->multi);
	free_list(h->spare, h->multi);
}

/* Ends the transfer. It can be used again for another request. */
static void
keep_as_spare(struct http *h, struct transfer *t)
{
	transfer_end(t, h->multi);
	t->next = h->spare;
	h->spare = t;
}

static void
end_first_early(struct http *h)
{
	struct transfer *t = h->early;

	h->early = t->next;
	keep_as_spare(h, t);
}

void
http_end_early(struct http *h)
{
	while (h->early != NULL)
		end_first_early(h);
}

size_t
http_count_early(const struct http *h)
{
	size_t n = 0;

	for (const struct transfer *t = h->early; t != NULL; t = t->next)
		n++;
	return n;
}

size_t
http_count_unanswered(const struct http *h)
{
	size_t n = transfer_is_receiving(h->current) &&
	    !h->current->receiver.has_head;

	for (const struct transfer *t = h->early; t != NULL; t = t->next)
		n += transfer_is_receiving(t) && !t->receiver.has_head;
	return n;
}

int
http_begin_early(struct http *h, const struct http_request *r, struct err *e)
{
	struct transfer *t = h->spare, **end = &h->early;

	if (t != NULL)
		h->spare = t->next;
	else if (transfer_new(&t, &h->conf, &h->sockets, e) == -1)
		return -1;
	t->next = NULL;
	if (transfer_begin_early(t, h->multi, r, e) == -1) {
		keep_as_spare(h, t);
		return -1;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = t;
	return 0;
}

bool
http_match_early(struct http *h, const struct http_request *r)
{
	struct transfer *t = h->early;

	if (t == NULL)
		return false;
	if (!transfer_match_early(t, r)) {
		http_end_early(h);
		return false;
	}
	if (!t->is_done || t->code == CURLE_OK)
		return true;
	end_first_early(h);
	return false;
}

/* Makes the first early request the current one. */
static void
http_use_early(struct http *h, struct http_answer *a)
{
	struct transfer *t = h->early;

	h->early = t->next;
	t->next = NULL;
	keep_as_spare(h, h->current);
	h->current = t;
	transfer_move_answer(t, a);
}

/* Adds the milliseconds since `since`, a time of clock_ms(), to the waiting
 * time of each early request that waits for the network. Ends those that exceed
 * --timeout. */
static void
http_early_add_wait(struct http *h, int64_t since)
{
	struct err e;
	int64_t left;

	for (struct transfer *t = h->early; t != NULL; t = t->next) {
		if (!transfer_is_receiving(t))
			continue;
		time_limit_add_wait(&t->time, since);
		if (time_limit_check(&t->time, &left, &e) == 0)
			continue;
		transfer_end(t, h->multi);
		transfer_set_done(t, CURLE_OPERATION_TIMEDOUT);
	}
}

bool
http_has_early(const struct http *h)
{
	const struct transfer *t = h->early;

	return t != NULL && t->is_done && t->code == CURLE_OK &&
	    t->receiver.has_head && t->early.status < 300;
}

const struct http_answer *
http_next_early_head(struct http *h)
{
	for (struct transfer *t = h->early; t != NULL; t = t->next)
		if (t->receiver.has_head && !t->early.is_noted) {
			t->early.is_noted = true;
			return &t->early;
		}
	return NULL;
}

enum { CHECK_MS = 100 };

int
http_open(struct http **to, const struct http_conf *c, struct err *e)
{
	struct http *h;

	if (curl_check_files(c, e) == -1)
		return -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_IO, true, "libcurl could not be started");
	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->multi = curl_multi_init()) == NULL) {
		free(h);
		curl_global_cleanup();
		return err_nomem(e);
	}
	h->conf = *c;
	/* Give each transfer a connection of its own. On a shared HTTP/2
	 * connection, a paused early answer would block the answer that is
	 * being read. */
	(void)curl_multi_setopt(
	    h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	if (transfer_new(&h->current, c, &h->sockets, e) == -1) {
		http_close(h);
		return -1;
	}
	*to = h;
	return 0;
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	http_free_transfers(h);
	(void)curl_multi_cleanup(h->multi);
	free(h);
	curl_global_cleanup();
}

/* Sends and receives what is possible without waiting. */
static int
transfer_now(struct http *h, struct err *e)
{
	CURLMcode code = CURLM_OK;
	struct transfer *t;
	CURLMsg *m;
	int n, result;

	transfer_continue(h->current);
	if (!h->current->is_done || h->early != NULL)
		code = curl_multi_perform(h->multi, &n);
	if (code != CURLM_OK)
		return multi_set_error(code, e);
	while ((m = curl_multi_info_read(h->multi, &n)) != NULL)
		if (m->msg == CURLMSG_DONE && curl_easy_getinfo(
		    m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK) {
			result = m->data.result;        /* valid until here */
			if (!transfer_begin_again(t, h->multi))
				transfer_set_done(t, result);
		}
	return 0;
}

/* Sets *w to the longest time to wait, and to the input that ends the wait. */
static void
call_before_wait(struct http *h, struct http_wakeup *w)
{
	*w = (struct http_wakeup){ .ms = CHECK_MS, .fd = -1 };
	if (h->before_wait.call != NULL)
		h->before_wait.call(h->before_wait.self, w);
	if (w->ms > CHECK_MS)
		w->ms = CHECK_MS;
}

/* Waits until libcurl can send or receive, or an early request may be sent, for
 * at most CHECK_MS. Fails if --timeout is over. */
static int
wait_for_network(struct http *h, struct err *e)
{
	struct curl_waitfd input = { .events = CURL_WAIT_POLLIN };
	struct http_wakeup w;
	CURLMcode code;
	int64_t left;

	if (is_reader_gone())
		return fail_interrupted(e);
	if (time_limit_check(&h->current->time, &left, e) == -1)
		return -1;
	call_before_wait(h, &w);
	input.fd = w.fd;
	code = curl_multi_poll(h->multi, &input, w.fd != -1,
	    left < w.ms ? (int)left : (int)w.ms, NULL);
	return code == CURLM_OK ? 0 : multi_set_error(code, e);
}

static int
transfer_until(struct http *h, bool (*is_reached)(const struct transfer *t),
    struct err *e)
{
	int64_t since;
	int rc = 0;

	while (rc == 0 && !is_reached(h->current)) {
		since = clock_ms();
		rc = transfer_now(h, e);
		if (rc == 0 && !is_reached(h->current))
			rc = wait_for_network(h, e);
		time_limit_add_wait(&h->current->time, since);
		http_early_add_wait(h, since);
	}
	return rc;
}

/* Stores the first bytes of the body of an error answer for the message. Reads
 * the rest without storing it, so that the connection can be used again, but
 * not more than HTTP_ERROR_READ bytes: the body may have no end. A body that is
 * cut short is no failure, because the error is already known from the status.
 * A lack of memory is a failure: otherwise the message would say that the
 * answer has no body. */
static int
read_error_body(struct http *h, struct http_answer *a, struct err *e)
{
	char part[HTTP_ERROR_KEPT];
	size_t all = 0;
	ssize_t n;

	for (; all < HTTP_ERROR_READ; all += (size_t)n) {
		if ((n = http_read(h, part, sizeof(part), e)) == 0)
			break;
		if (n == -1)
			return e->code == ERR_GONE || e->code == ERR_IO ||
			    stop_signal() != 0 ? -1 : 0;
		if (a->body.len < HTTP_ERROR_KEPT)
			buf_add(&a->body, part, (size_t)n);
	}
	return buf_check(&a->body, e);
}

/* Begins the request, or uses the early request that is equal. Then calls
 * before_wait.call(), which may begin further early requests: if the answer has
 * come already, http_send() does not wait and would not call it. */
static int
start_request(struct http *h, const struct http_request *r,
    struct http_answer *a, struct err *e)
{
	struct http_wakeup w;

	if (r->takes_early && http_match_early(h, r))
		http_use_early(h, a);
	else if (transfer_begin(h->current, h->multi, r, a, e) == -1)
		return -1;
	if (h->before_wait.call == NULL)
		return 0;
	call_before_wait(h, &w);
	return transfer_now(h, e);
}

int
http_send(struct http *h, const struct http_request *r, struct http_answer *a,
    struct err *e)
{
	const struct transfer *t;

	if (start_request(h, r, a, e) == -1 ||
	    transfer_until(h, transfer_has_head, e) == -1)
		return -1;
	t = h->current;
	if (t->receiver.has_head)
		return a->status >= 300 ? read_error_body(h, a, e) : 0;
	if (t->code != CURLE_OK)
		return transfer_set_error(h->current, e);
	return err_set(e, ERR_RETRY, true,
	    "the answer was cut short within its headers");
}

ssize_t
http_read(struct http *h, char *p, size_t n, struct err *e)
{
	struct transfer *t = h->current;
	int64_t left;
	size_t got;

	time_limit_add_work(&t->time);
	if (time_limit_check(&t->time, &left, e) == -1)
		return -1;
	for (;;) {
		if (!receiver_read(&t->receiver, p, n, &got))
			return transfer_set_refused(t, e);
		if (got > 0)
			return (ssize_t)got;
		if (t->is_done && !receiver_has_bytes(&t->receiver))
			break;
		if (transfer_until(h, transfer_may_read, e) == -1)
			return -1;
	}
	if (t->code != CURLE_OK)
		return transfer_set_error(t, e);
	if (receiver_lacks_end(&t->receiver))
		return err_set(e, ERR_RETRY, true,
		    "the answer's gzip data was cut short");
	return 0;
}

void
http_restart_time(struct http *h)
{
	time_limit_restart(
	    &h->current->time, (uint64_t)h->current->time.limit);
}

bool
http_may_wait(struct http *h)
{
	struct err e;

	return !transfer_may_read(h->current) &&
	    transfer_now(h, &e) == 0 &&
	    !transfer_may_read(h->current);
}
