#include "http/transfer.h"

#include "base/clock.h"
#include "growth.h"
#include "http/curl_error.h"
#include "http/curl_options.h"
#include "http/private_address.h"
#include "http/proxy.h"
#include "http/secret.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* SENT_MAX: a request with more bytes is not sent early. */
enum { SENT_MAX = 32 << 20 };

_Static_assert(TRANSFER_ERROR_MAX == CURL_ERROR_SIZE, "libcurl's");

static size_t
receive_header(char *p, size_t size, size_t n, void *to)
{
	struct transfer *t = to;

	return receiver_add_header(&t->receiver, p, n * size) ? n * size : 0;
}

/* While bytes wait to be read, the transfer pauses. So the answer is received
 * no faster than it is used. */
static size_t
receive_body(char *p, size_t size, size_t n, void *to)
{
	struct transfer *t = to;

	t->is_paused = receiver_is_full(&t->receiver);
	if (t->is_paused)
		return CURL_WRITEFUNC_PAUSE;
	return receiver_add_body(&t->receiver, p, n * size) ? n * size : 0;
}

/* Writes the address of a socket as text. Returns its port, or 0 with an empty
 * text if it is not an address of IP. */
static int
put_address(const struct sockaddr *a, char ip[INET6_ADDRSTRLEN])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*ip = '\0';
	if (a->sa_family == AF_INET) {
		memcpy(&in, a, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, ip, INET6_ADDRSTRLEN);
		return ntohs(in.sin_port);
	}
	if (a->sa_family != AF_INET6)
		return 0;
	memcpy(&in6, a, sizeof(in6));
	(void)inet_ntop(AF_INET6, &in6.sin6_addr, ip, INET6_ADDRSTRLEN);
	return ntohs(in6.sin6_port);
}

/* Opens a socket for libcurl, unless its address is not allowed. */
static curl_socket_t
open_socket(void *to, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = to;
	char ip[INET6_ADDRSTRLEN];
	int fd, port = put_address(&a->addr, ip);

	if (!proxy_is_at(t->proxy, ip, port)) {
		t->refused_private = t->public_only &&
		    is_private_address(&a->addr);
		t->refused_link_local = !t->may_link_local && is_link_local(ip);
		if (t->refused_private || t->refused_link_local)
			return CURL_SOCKET_BAD;
	}
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd != -1)
		sockets_add(t->sockets, fd);
	return fd;
}

/* True if libssl holds bytes that libcurl has not read. */
static bool
tls_has_unread(const struct transfer *t)
{
	struct curl_tlssessioninfo *s = NULL;

	(void)curl_easy_getinfo(t->curl, CURLINFO_TLS_SSL_PTR, &s);
	return s != NULL && s->backend == CURLSSLBACKEND_OPENSSL &&
	    s->internals != NULL && SSL_has_pending(s->internals);
}

/* True if a connection that has served a request before has unread bytes. Such
 * bytes may belong to no answer: see sockets.h. Some of them are harmless:
 * bytes of TLS or HTTP/2, and on Unix sockets bytes for other requests. But
 * these are rare, and a new connection costs less than a lost page. */
static bool
is_reused_unread(const struct transfer *t, int own_port, int port)
{
	long opened = 0;

	(void)curl_easy_getinfo(t->curl, CURLINFO_NUM_CONNECTS, &opened);
	return opened == 0 && (tls_has_unread(t) ||
	    (t->unix_socket != NULL ? sockets_have_unread_unix(t->sockets) :
	    sockets_have_unread(t->sockets, own_port, port)));
}

/* libcurl calls this before it sends a request, also on an open connection.
 * Refuses a private address if t->public_only is set, a link-local address
 * unless t->may_link_local is set, and a connection that has unread bytes. The
 * address behind a proxy is not known. */
static int
check_connection(void *to, char *ip, char *own, int port, int own_port)
{
	struct transfer *t = to;
	struct http_answer *a = t->receiver.answer;
	const bool is_proxy = proxy_is_at(t->proxy, ip, port);

	a->from_private = is_proxy ? t->host_is_private :
	    is_private_text(ip);
	t->refused_private = t->public_only && a->from_private;
	t->refused_link_local = !is_proxy && !t->may_link_local &&
	    is_link_local(ip);
	t->refused_connection = is_reused_unread(t, own_port, port);
	return t->refused_private || t->refused_link_local ||
		t->refused_connection ?
	    CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void
set_callbacks(struct transfer *t)
{
	CURL *u = t->curl;

	curl_easy_setopt(u, CURLOPT_PRIVATE, t);
	curl_easy_setopt(u, CURLOPT_ERRORBUFFER, t->curl_error);
	curl_easy_setopt(u, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(u, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(u, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(u, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(u, CURLOPT_PREREQFUNCTION, check_connection);
	curl_easy_setopt(u, CURLOPT_PREREQDATA, t);
}

int
transfer_new(struct transfer **to, const struct http_conf *c,
    struct sockets *s, struct err *e)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->curl = curl_easy_init()) == NULL) {
		free(t);
		return err_nomem(e);
	}
	t->sockets = s;
	t->proxy = c->proxy;
	t->unix_socket = c->unix_socket;
	t->receiver.max_ratio = c->max_ratio;
	buf_init(&t->sent, SENT_MAX);
	http_answer_init(&t->early, 0);
	set_callbacks(t);
	if (curl_set_shared(t->curl, c, e) == -1) {
		transfer_free(t, NULL);
		return -1;
	}
	*to = t;
	return 0;
}

void
transfer_end(struct transfer *t, void *multi)
{
	if (t->is_active)
		(void)curl_multi_remove_handle(multi, t->curl);
	t->is_active = false;
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

void
transfer_free(struct transfer *t, void *multi)
{
	if (t == NULL)
		return;
	transfer_end(t, multi);
	curl_easy_cleanup(t->curl);
	receiver_release(&t->receiver);
	secret_release_buf(&t->sent);
	http_answer_release(&t->early);
	free(t);
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
begin_request(struct transfer *t, void *multi, const struct http_request *r,
    struct err *e)
{
	CURLMcode code;

	t->refused_private = t->is_done = t->is_paused = false;
	t->refused_connection = t->refused_link_local = false;
	t->public_only = r->public_only;
	t->may_link_local = r->may_link_local;
	t->host_is_private = r->host_is_private;
	time_limit_restart(&t->time, r->timeout);
	t->code = CURLE_OK;
	t->curl_error[0] = '\0';
	t->headers = make_header_list(r->headers, r->n_headers);
	if (t->headers == NULL && r->n_headers > 0)
		return err_nomem(e);
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	if (curl_set_request(t->curl, r, e) == -1)
		return -1;
	code = curl_multi_add_handle(multi, t->curl);
	t->is_active = code == CURLM_OK;
	return code == CURLM_OK ? 0 : multi_set_error(code, e);
}

int
transfer_begin(struct transfer *t, void *multi, const struct http_request *r,
    struct http_answer *a, struct err *e)
{
	transfer_end(t, multi);
	receiver_reset(&t->receiver, a, RECEIVER_KEPT);
	buf_clear(&t->sent);
	return begin_request(t, multi, r, e);
}

/* Appends a text of the whole request, to compare it with another request.
 * transfer_begin_early() relies on the body being at the end. */
static void
put_request_text(struct buf *b, const struct http_request *r)
{
	buf_printf(b, "%s %s\n", r->method, r->url);
	for (size_t i = 0; i < r->n_headers; i++) {
		buf_str(b, r->headers[i]);
		buf_char(b, '\n');
	}
	buf_printf(b, "%d %s\n", r->body != NULL,
	    r->sigv4 == NULL ? "" : r->sigv4);
	buf_add(b, r->body, r->body_len);
}

int
transfer_begin_early(struct transfer *t, void *multi,
    const struct http_request *r, struct err *e)
{
	struct http_request copy = *r;

	transfer_end(t, multi);
	receiver_reset(&t->receiver, &t->early, RECEIVER_KEPT_EARLY);
	buf_clear(&t->sent);
	put_request_text(&t->sent, r);
	if (buf_check(&t->sent, e) == -1)
		return -1;
	if (r->body != NULL)
		copy.body = t->sent.data + t->sent.len - r->body_len;
	return begin_request(t, multi, &copy, e);
}

/* An early request may have been begun before its origin was known to be
 * public. */
bool
transfer_match_early(struct transfer *t, const struct http_request *r)
{
	bool is_same;
	struct buf b;

	buf_init(&b, SENT_MAX);
	put_request_text(&b, r);
	is_same = !b.failed && b.len == t->sent.len &&
	    memcmp(b.data, t->sent.data, b.len) == 0;
	secret_release_buf(&b);
	if (is_same && r->public_only && !t->public_only) {
		is_same = !t->early.from_private;
		t->public_only = true;
	}
	return is_same;
}

void
transfer_move_answer(struct transfer *t, struct http_answer *a)
{
	time_limit_add_wait(&t->time, clock_ms());
	receiver_move_answer(&t->receiver, a);
}

void
transfer_continue(struct transfer *t)
{
	if (!t->is_paused || receiver_is_full(&t->receiver))
		return;
	t->is_paused = false;
	(void)curl_easy_pause(t->curl, CURLPAUSE_CONT);
}

void
transfer_set_done(struct transfer *t, int code)
{
	t->is_done = true;
	t->code = code;
}

/* libcurl has closed the refused connection, so it now uses another one. */
bool
transfer_begin_again(struct transfer *t, void *multi)
{
	if (!t->refused_connection || t->refused_private ||
	    t->refused_link_local)
		return false;
	t->refused_connection = false;
	t->curl_error[0] = '\0';
	(void)curl_multi_remove_handle(multi, t->curl);
	t->is_active = curl_multi_add_handle(multi, t->curl) == CURLM_OK;
	return t->is_active;
}

bool
transfer_has_head(const struct transfer *t)
{
	return t->receiver.has_head || t->is_done;
}

bool
transfer_may_read(const struct transfer *t)
{
	return receiver_has_bytes(&t->receiver) || t->is_done;
}

bool
transfer_is_receiving(const struct transfer *t)
{
	return t->is_active && !t->is_done && !t->is_paused;
}

int
transfer_set_refused(const struct transfer *t, struct err *e)
{
	const struct receiver *r = &t->receiver;

	if (r->is_bomb)
		return growth_set_error(
		    e, ERR_PEER, "the answer's gzip data", r->max_ratio);
	if (r->refused_why == NULL)
		return err_nomem(e);
	return err_set(e, r->bad_gzip ? ERR_RETRY : ERR_PEER, r->bad_gzip,
	    "%s", r->refused_why);
}

/* Names the socket, because libcurl's message names the host of the URL, which
 * is not contacted. */
static int
fail_unix_connect(const struct transfer *t, const char *why, struct err *e)
{
	long number = 0;

	(void)curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &number);
	return err_set(e, ERR_RETRY, true, "--unix-socket %s: cannot connect: "
	    "%s", t->unix_socket, number != 0 ? strerror((int)number) : why);
}

int
transfer_set_error(struct transfer *t, struct err *e)
{
	const char *why = t->curl_error[0] != '\0' ? t->curl_error :
	    curl_easy_strerror(t->code);
	curl_off_t begun = 0;

	if (t->refused_private)
		return fail_private(e);
	if (t->refused_link_local)
		return fail_link_local(e);
	if (t->code == CURLE_WRITE_ERROR)
		return transfer_set_refused(t, e);
	if (curl_error_set(t->code, why, t->proxy, e) == -1)
		return -1;
	(void)curl_easy_getinfo(t->curl, CURLINFO_PRETRANSFER_TIME_T, &begun);
	t->receiver.answer->unreachable = begun == 0;
	if (t->code == CURLE_COULDNT_CONNECT && t->unix_socket != NULL)
		return fail_unix_connect(t, why, e);
	return err_set(e, ERR_RETRY, true, "%s", why);
}

int
multi_set_error(int code, struct err *e)
{
	return code == CURLM_OUT_OF_MEMORY ? err_nomem(e) : err_set(
	    e, ERR_RETRY, true, "libcurl: %s", curl_multi_strerror(code));
}
