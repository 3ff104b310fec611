#include "http/http.h"

#include "base/clock.h"
#include "base/stop.h"
#include "http/curl_error.h"
#include "http/curl_options.h"
#include "http/private_address.h"
#include "http/receiver.h"
#include "http/time_limit.h"
#include "stdout_reader.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHECK_MS = 100 };

struct http {
	CURLM *multi;                   /* has the connections */
	CURL *curl;
	char curl_error[CURL_ERROR_SIZE];
	const char *proxy;              /* of --proxy, or NULL */
	const char *unix_socket;        /* of --unix-socket, or NULL */
	struct curl_slist *headers;     /* of the request */
	struct receiver receiver;       /* of the answer of http_send() */
	struct time_limit time;         /* of --timeout */
	bool is_active;                 /* a request was begun */
	bool is_done;                   /* its answer has ended, with code */
	CURLcode code;
	bool is_paused;                 /* receive_body() has refused bytes */
	bool public_only;               /* refuse private addresses */
	bool refused_private;           /* one was refused */
};

static size_t
receive_header(char *p, size_t size, size_t n, void *to)
{
	struct http *h = to;

	return receiver_add_header(&h->receiver, p, n * size) ? n * size : 0;
}

/* While bytes wait to be read, the transfer pauses. So the answer is received
 * no faster than it is used. */
static size_t
receive_body(char *p, size_t size, size_t n, void *to)
{
	struct http *h = to;

	h->is_paused = receiver_is_full(&h->receiver);
	if (h->is_paused)
		return CURL_WRITEFUNC_PAUSE;
	return receiver_add_body(&h->receiver, p, n * size) ? n * size : 0;
}

static curl_socket_t
open_allowed_socket(void *to, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http *h = to;

	if (h->public_only && is_private_or_unknown_address(&a->addr)) {
		h->refused_private = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Refuses a forbidden private address, also on a connection already open. */
static int
note_or_refuse_private_ip(void *to, char *ip, char *own, int port, int own_port)
{
	struct http *h = to;
	struct http_answer *a = h->receiver.answer;

	a->from_private = is_private_or_invalid_address_text(ip);
	h->refused_private = h->public_only && a->from_private;
	return h->refused_private ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void
set_callbacks(struct http *h)
{
	CURL *u = h->curl;

	curl_easy_setopt(u, CURLOPT_ERRORBUFFER, h->curl_error);
	curl_easy_setopt(u, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(u, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(u, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(u, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETFUNCTION, open_allowed_socket);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(u, CURLOPT_PREREQFUNCTION, note_or_refuse_private_ip);
	curl_easy_setopt(u, CURLOPT_PREREQDATA, h);
}

int
http_open(struct http **to, const struct http_conf *c, struct err *e)
{
	struct http *h;

	if (curl_options_check_files(c, e) == -1)
		return -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_IO, true, "libcurl could not be started");
	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->curl = curl_easy_init()) == NULL ||
	    (h->multi = curl_multi_init()) == NULL) {
		if (h != NULL)
			curl_easy_cleanup(h->curl);
		free(h);
		curl_global_cleanup();
		return err_nomem(e);
	}
	h->proxy = c->proxy;
	h->unix_socket = c->unix_socket;
	set_callbacks(h);
	if (curl_options_set_shared(h->curl, c, e) == -1) {
		http_close(h);
		return -1;
	}
	*to = h;
	return 0;
}

/* The connection is used again only if its answer was received to the end. */
static void
end_request(struct http *h)
{
	if (h->is_active)
		(void)curl_multi_remove_handle(h->multi, h->curl);
	h->is_active = false;
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(h->headers);
	h->headers = NULL;
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	end_request(h);
	curl_easy_cleanup(h->curl);
	(void)curl_multi_cleanup(h->multi);
	receiver_release(&h->receiver);
	free(h);
	curl_global_cleanup();
}

static struct curl_slist *
make_header_list(char *const *headers, size_t n)
{
	struct curl_slist *list = NULL, *more;

	for (size_t i = 0; i < n; i++) {
		if ((more = curl_slist_append(list, headers[i])) == NULL) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = more;
	}
	return list;
}

static int
set_refused_error(const struct http *h, struct err *e)
{
	const struct receiver *r = &h->receiver;

	if (r->refused_why == NULL)
		return err_nomem(e);
	return err_set(e, r->bad_gzip ? ERR_RETRY : ERR_PEER, r->bad_gzip,
	    "%s", r->refused_why);
}

/* libcurl's message would name the host of the URL, not the socket. */
static int
set_socket_error(const struct http *h, const char *why, struct err *e)
{
	long number = 0;

	(void)curl_easy_getinfo(h->curl, CURLINFO_OS_ERRNO, &number);
	return err_set(e, ERR_RETRY, true, "--unix-socket %s: cannot connect: "
	    "%s", h->unix_socket, number != 0 ? strerror((int)number) : why);
}

static int
set_transfer_error(struct http *h, CURLcode code, struct err *e)
{
	const char *why = h->curl_error[0] != '\0' ? h->curl_error :
	    curl_easy_strerror(code);
	curl_off_t begun = 0;

	if (h->refused_private)
		return err_set(e, ERR_DENIED, false,
		    "refused a link or redirect from a public address to a "
		    "private one: it could reach servers inside your network");
	if (code == CURLE_WRITE_ERROR)
		return set_refused_error(h, e);
	if (curl_error_to_value(code, why, h->proxy, e) == -1)
		return -1;
	(void)curl_easy_getinfo(h->curl, CURLINFO_PRETRANSFER_TIME_T, &begun);
	h->receiver.answer->unreachable = begun == 0;
	if (code == CURLE_COULDNT_CONNECT && h->unix_socket != NULL)
		return set_socket_error(h, why, e);
	return err_set(e, ERR_RETRY, true, "%s", why);
}

static int
set_multi_error(CURLMcode code, struct err *e)
{
	return code == CURLM_OUT_OF_MEMORY ? err_nomem(e) : err_set(
	    e, ERR_RETRY, true, "libcurl: %s", curl_multi_strerror(code));
}

/* Sends and receives what is possible without waiting. */
static int
transfer_without_waiting(struct http *h, struct err *e)
{
	CURLMcode code = CURLM_OK;
	CURLMsg *m;
	int n;

	if (h->is_paused && !receiver_is_full(&h->receiver)) {
		h->is_paused = false;
		(void)curl_easy_pause(h->curl, CURLPAUSE_CONT);
	}
	if (!h->is_done)
		code = curl_multi_perform(h->multi, &n);
	if (code != CURLM_OK)
		return set_multi_error(code, e);
	while ((m = curl_multi_info_read(h->multi, &n)) != NULL)
		if (m->msg == CURLMSG_DONE) {
			h->is_done = true;
			h->code = m->data.result;
		}
	return 0;
}

/* Waits until the network is ready, but not beyond --timeout. */
static int
wait_for_network(struct http *h, struct err *e)
{
	CURLMcode code;
	int64_t left;

	if (is_stdout_reader_gone())
		return set_stop_or_reader_gone_error(e);
	if (time_limit_check(&h->time, &left, e) == -1)
		return -1;
	code = curl_multi_poll(h->multi, NULL, 0,
	    left < CHECK_MS ? (int)left : CHECK_MS, NULL);
	return code == CURLM_OK ? 0 : set_multi_error(code, e);
}

static bool
has_head_or_is_done(const struct http *h)
{
	return h->receiver.has_head || h->is_done;
}

static bool
has_bytes_or_is_done(const struct http *h)
{
	return receiver_has_bytes(&h->receiver) || h->is_done;
}

static int
transfer_until(
    struct http *h, bool (*is_reached)(const struct http *h), struct err *e)
{
	int64_t since;
	int rc = 0;

	while (rc == 0 && !is_reached(h)) {
		since = clock_ms();
		rc = transfer_without_waiting(h, e);
		if (rc == 0 && !is_reached(h))
			rc = wait_for_network(h, e);
		time_limit_add_wait(&h->time, since);
	}
	return rc;
}

static int
begin_request(struct http *h, const struct http_request *r, struct err *e)
{
	CURLMcode code;

	h->refused_private = h->is_done = h->is_paused = false;
	time_limit_restart(&h->time, r->timeout);
	h->code = CURLE_OK;
	h->curl_error[0] = '\0';
	h->headers = make_header_list(r->headers, r->n_headers);
	if (h->headers == NULL && r->n_headers > 0)
		return err_nomem(e);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
	if (curl_options_set_request(h->curl, r, e) == -1)
		return -1;
	code = curl_multi_add_handle(h->multi, h->curl);
	h->is_active = code == CURLM_OK;
	return code == CURLM_OK ? 0 : set_multi_error(code, e);
}

/* Of the body of an error only the first bytes are kept. The rest is read, so
 * that the connection can be used again, but not beyond a limit: the body may
 * have no end. The status alone decides, so it does not matter if the body
 * cannot be read. */
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
			return e->code == ERR_GONE || stop_signal() != 0 ?
			    -1 : 0;
		if (a->body.len < HTTP_ERROR_KEPT)
			buf_add(&a->body, part, (size_t)n);
	}
	return 0;
}

int
http_send(struct http *h, const struct http_request *r,
    struct http_answer *a, struct err *e)
{
	end_request(h);
	receiver_reset(&h->receiver, a);
	if (begin_request(h, r, e) == -1 ||
	    transfer_until(h, has_head_or_is_done, e) == -1)
		return -1;
	if (h->receiver.has_head)
		return a->status >= 300 ? read_error_body(h, a, e) : 0;
	if (h->code != CURLE_OK)
		return set_transfer_error(h, h->code, e);
	return err_set(e, ERR_RETRY, true,
	    "the answer was cut short within its headers");
}

ssize_t
http_read(struct http *h, char *p, size_t n, struct err *e)
{
	int64_t left;
	size_t got;

	time_limit_add_work(&h->time);
	if (time_limit_check(&h->time, &left, e) == -1)
		return -1;
	for (;;) {
		if (!receiver_decode(&h->receiver, p, n, &got))
			return set_refused_error(h, e);
		if (got > 0)
			return (ssize_t)got;
		if (h->is_done && !receiver_has_bytes(&h->receiver))
			break;
		if (transfer_until(h, has_bytes_or_is_done, e) == -1)
			return -1;
	}
	if (h->code != CURLE_OK)
		return set_transfer_error(h, h->code, e);
	if (receiver_lacks_end_of_gzip(&h->receiver))
		return err_set(e, ERR_RETRY, true,
		    "the answer's gzip data was cut short");
	return 0;
}

bool
http_may_wait(struct http *h)
{
	struct err e;

	return !has_bytes_or_is_done(h) &&
	    transfer_without_waiting(h, &e) == 0 && !has_bytes_or_is_done(h);
}

void
http_set_public_only(struct http *h, bool public_only)
{
	h->public_only = public_only;
}
