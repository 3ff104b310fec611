#include "http/transfer.h"

#include "base/clock.h"
#include "base/errval.h"
#include "base/stop.h"
#include "common/gunzip.h"
#include "common/stdout_reader.h"
#include "http/private_address.h"
#include "http/secret.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void receiver_release(struct receiver *r);

/* The capacity of `raw`. It is larger than `kept`, because libcurl may pass a
 * large piece of the body while receiver_is_full() is still false. */
enum { RAW_MAX = 64 << 20 };

/* Clears the receiver, except max_ratio, and the answer, for a new answer. */
static void
receiver_reset(struct receiver *r, struct http_answer *a, size_t kept)
{
	const uint64_t max_ratio = r->max_ratio;

	receiver_release(r);
	r->max_ratio = max_ratio;
	buf_init(&r->raw, RAW_MAX);
	r->answer = a;
	r->kept = kept;
	a->status = 0;
	a->came_at = 0;
	a->unreachable = a->from_private = a->is_noted = a->was_early = false;
	a->is_open_ended = false;
	buf_clear(&a->head);
	buf_clear(&a->body);
}

/* Moves to *a the part of an early answer that was received. The rest of the
 * answer is then received into *a. */
static void
receiver_move_answer(struct receiver *r, struct http_answer *a)
{
	struct http_answer *from = r->answer;
	const struct buf head = a->head;

	a->head = from->head;
	from->head = head;
	a->status = from->status;
	a->came_at = from->came_at;
	a->is_noted = from->is_noted;
	a->unreachable = from->unreachable;
	a->from_private = from->from_private;
	a->is_open_ended = from->is_open_ended;
	a->was_early = true;
	buf_clear(&a->body);
	r->answer = a;
	r->kept = RECEIVER_KEPT;
}

static void
receiver_release(struct receiver *r)
{
	gunzip_free(r->gzip);
	buf_release(&r->raw);
	memset(r, 0, sizeof(*r));
}

/* Sets the reason why the answer is refused. Returns false. */
static bool
refuse_answer(struct receiver *r, const char *why)
{
	r->refused_why = why;
	return false;
}

/* Called after the last header: chooses how to decode the body. Returns false
 * if memory is out. */
static bool
end_head(struct receiver *r)
{
	const char *v;
	size_t n;

	r->has_head = true;
	r->answer->came_at = clock_ms();
	r->answer->is_open_ended = r->is_http_1 &&
	    !http_find_header(r->answer, "Content-Length", &v, &n) &&
	    !http_find_header(r->answer, "Transfer-Encoding", &v, &n);
	if (!http_find_header(r->answer, "Content-Encoding", &v, &n) ||
	    n == 0 || (n == 8 && strncasecmp(v, "identity", n) == 0))
		return true;
	r->has_other_encoding = (n != 4 || strncasecmp(v, "gzip", n) != 0) &&
	    (n != 6 || strncasecmp(v, "x-gzip", n) != 0);
	if (!r->has_other_encoding && (r->gzip = gunzip_new()) == NULL)
		return false;
	r->answer->is_open_ended &= r->gzip == NULL;    /* gzip has an end */
	return true;
}

static bool
receiver_add_header(struct receiver *r, const char *p, size_t n)
{
	struct http_answer *a = r->answer;

	r->head_bytes += n;
	if (r->head_bytes > a->head.max)
		return refuse_answer(r, "the answer's headers are too large");
	if (r->has_head)        /* a trailer (RFC 9110, 6.5) may be ignored */
		return true;
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0) {
		const char *at = memchr(p, ' ', n);

		buf_clear(&a->head);
		r->is_http_1 = n > 6 && p[5] == '1';
		a->status = at == NULL ? 0 : (int)strtol(at, NULL, 10);
		return true;
	}
	buf_add(&a->head, p, n);
	if ((n <= 2 && (*p == '\r' || *p == '\n')) && a->status >= 200 &&
	    !end_head(r))
		return false;
	return !a->head.failed;
}

static bool
receiver_add_body(struct receiver *r, const char *p, size_t n)
{
	r->body_bytes += n;
	if (r->has_other_encoding)
		return refuse_answer(r, "the answer's Content-Encoding is not "
		    "supported: it must be gzip");
	if (r->raw_at == r->raw.len) {
		buf_clear(&r->raw);
		r->raw_at = 0;
	}
	buf_add(&r->raw, p, n);
	return !r->raw.failed;
}

/* True if `kept` bytes or more wait to be decoded. The caller then adds no
 * more. */
static bool
receiver_is_full(const struct receiver *r)
{
	return r->raw.len - r->raw_at >= r->kept;
}

bool
receiver_has_bytes(const struct receiver *r)
{
	return r->raw_at < r->raw.len ||
	    (r->gzip != NULL && gunzip_has_more(r->gzip));
}

bool
receiver_read(struct receiver *r, char *p, size_t n, size_t *got)
{
	const char *raw = r->raw.data + r->raw_at;
	const size_t left = r->raw.len - r->raw_at;
	size_t used = left < n ? left : n;

	*got = 0;
	if (!receiver_has_bytes(r))
		return true;
	if (r->gzip != NULL) {
		r->bad_gzip = gunzip_decode(
		    r->gzip, raw, left, &used, p, n, got) != GUNZIP_OK;
		if (r->bad_gzip)
			return refuse_answer(
			    r, "the answer's gzip data is broken");
	} else {
		memcpy(p, raw, used);
		*got = used;
	}
	r->raw_at += used;
	r->decoded_bytes += *got;
	r->is_bomb = r->gzip != NULL && growth_is_too_large(
	    r->body_bytes, r->decoded_bytes, r->max_ratio);
	return !r->is_bomb;
}

bool
receiver_lacks_end(const struct receiver *r)
{
	return r->gzip != NULL && !gunzip_is_complete(r->gzip) &&
	    r->answer->status != 204;
}

static void
sockets_add(struct sockets *s, int fd)
{
	if (s->high == 0 || fd < s->low)
		s->low = fd;
	if (fd > s->high)
		s->high = fd;
}

typedef int get_name(int fd, struct sockaddr *a, socklen_t *n);

/* Returns the port of one end of a connection (getsockname or getpeername), or
 * 0 if fd is not an IP socket. */
static int
find_port(int fd, get_name *get)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);

	if (get(fd, (struct sockaddr *)(void *)&a, &n) == -1)
		return 0;
	if (a.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)(void *)&a)->sin_port);
	return a.ss_family != AF_INET6 ? 0 :
	    ntohs(((struct sockaddr_in6 *)(void *)&a)->sin6_port);
}

static bool
has_unread_bytes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* True if the connection between these two ports has unread bytes. Looks for
 * the socket by its two ports, not by its number: a descriptor may have been
 * closed and opened again as another file. */
static bool
sockets_have_unread(const struct sockets *s, int own_port, int port)
{
	if (own_port == 0)
		return false;
	for (int fd = s->low; s->high != 0 && fd <= s->high; fd++)
		if (find_port(fd, getsockname) == own_port &&
		    find_port(fd, getpeername) == port &&
		    has_unread_bytes(fd))
			return true;
	return false;
}

static bool
is_unix(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);

	return getpeername(fd, (struct sockaddr *)(void *)&a, &n) == 0 &&
	    a.ss_family == AF_UNIX;
}

/* True if any connection to a Unix socket has unread bytes. */
static bool
sockets_have_unread_unix(const struct sockets *s)
{
	for (int fd = s->low; s->high != 0 && fd <= s->high; fd++)
		if (is_unix(fd) && has_unread_bytes(fd))
			return true;
	return false;
}

static int64_t
cpu_time_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
time_limit_restart(struct time_limit *t, uint64_t limit_ms)
{
	t->limit = (int64_t)limit_ms;
	t->waited = t->worked = 0;
	t->cpu_before = cpu_time_us();
}

void
time_limit_add_work(struct time_limit *t)
{
	const int64_t now = cpu_time_us();

	t->worked += now - t->cpu_before;
	t->cpu_before = now;
}

void
time_limit_add_wait(struct time_limit *t, int64_t since)
{
	t->waited += clock_ms() - since;
	t->cpu_before = cpu_time_us();
}

int
time_limit_check(const struct time_limit *t, int64_t *left, struct err *e)
{
	*left = t->limit - t->waited - t->worked / 1000;
	if (stop_signal() != 0)
		return fail_interrupted(e);
	return *left > 0 ? 0 : err_set(e, ERR_RETRY, true, "timed out: the "
	    "answer did not come within --timeout, which is %lld ms",
	    (long long)t->limit);
}

/* COMPARED_MAX: only this many bytes of the value are looked for, because
 * libcurl cuts long messages. The ports are those that libcurl uses if the URL
 * of a proxy has none. */
enum { COMPARED_MAX = 100, USUAL_PORT = 1080, USUAL_TLS_PORT = 443 };

/* The variables that libcurl reads. It does not read HTTP_PROXY: in a CGI
 * program the client can set this variable with the header "Proxy:". */
#define VARIABLE "the environment variable "
static const char *const variables[] = { VARIABLE "http_proxy",
	VARIABLE "https_proxy", VARIABLE "HTTPS_PROXY", VARIABLE "all_proxy",
	VARIABLE "ALL_PROXY" };

/* True if the message shows the URL of a proxy that may have a password: the
 * URL contains @, or libcurl has quoted it because it cannot parse it. If the
 * proxy cannot be reached, libcurl shows only its host name, without quotes. */
static bool
shows_url(const char *url, const char *message)
{
	size_t n = strnlen(url, COMPARED_MAX);
	const char *at = n == 0 ? NULL :
	    memmem(message, strlen(message), url, n);

	return at != NULL && (memchr(url, '@', n) != NULL ||
	    (at > message && at[-1] == '\''));
}

/* Keeps the password of a proxy URL out of messages: if libcurl cannot use the
 * URL, its message shows the whole URL. Returns "--proxy", or "the environment
 * variable NAME", if its value, or the first 100 bytes of a longer one, are in
 * the message; else NULL. */
static const char *
proxy_find(const char *message, const char *option)
{
	const char *value;

	if (option != NULL && shows_url(option, message))
		return "--proxy";

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if ((value = getenv(
		    variables[i] + strlen(VARIABLE))) != NULL &&
		    shows_url(value, message))
			return variables[i];
	return NULL;
}

/* True if both texts are the same IP address, in any spelling. */
static bool
is_same_address(const char *x, const char *y, bool *x_is_address)
{
	unsigned char a[sizeof(struct in6_addr)], b[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, x, a) == 1) {
		*x_is_address = true;
		return inet_pton(AF_INET, y, b) == 1 &&
		    memcmp(a, b, sizeof(struct in_addr)) == 0;
	}
	*x_is_address = inet_pton(AF_INET6, x, a) == 1;
	return *x_is_address && inet_pton(AF_INET6, y, b) == 1 &&
	    memcmp(a, b, sizeof(a)) == 0;
}

/* url is that of a proxy: [SCHEME://][USER:PASSWORD@]HOST[:PORT][/...]. */
static bool
is_url_at(const char *url, const char *ip, int port)
{
	const char *p = strstr(url, "://"), *end, *at, *colon;
	char host[NI_MAXHOST];
	int of_url = p != NULL && strncasecmp(url, "https", 5) == 0 ?
	    USUAL_TLS_PORT : USUAL_PORT;
	bool is_address, is_same;

	p = p == NULL ? url : p + 3;
	end = p + strcspn(p, "/?#");
	if ((at = memrchr(p, '@', (size_t)(end - p))) != NULL)
		p = at + 1;
	colon = *p == '[' ? memchr(p, ']', (size_t)(end - p)) :
	    memchr(p, ':', (size_t)(end - p));
	if (colon != NULL && *p == '[') {
		p++;
		at = colon;
		colon = colon[1] == ':' ? colon + 1 : NULL;
	} else {
		at = colon == NULL ? end : colon;
	}
	if (colon != NULL)
		of_url = (int)strtol(colon + 1, NULL, 10);
	if (of_url != port || at <= p || (size_t)(at - p) >= sizeof(host))
		return false;
	memcpy(host, p, (size_t)(at - p));
	host[at - p] = '\0';
	is_same = is_same_address(host, ip, &is_address);
	return is_same || !is_address;
}

/* True if a connection to this address and port is one to a proxy. If the URL
 * of a proxy has a name and not an address, only its port is compared. */
static bool
proxy_is_at(const char *option, const char *ip, int port)
{
	const char *value;

	if (option != NULL)
		return is_url_at(option, ip, port);
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if ((value = getenv(
		    variables[i] + strlen(VARIABLE))) != NULL &&
		    *value != '\0' && is_url_at(value, ip, port))
			return true;
	return false;
}

static int
curl_error_set(int code, const char *why, const char *proxy, struct err *e)
{
	const char *from = proxy_find(why, proxy);

	if (from != NULL)       /* libcurl's message has the proxy's password */
		return err_set(e, ERR_CONFIG, false, "%s does not hold the "
		    "URL of a proxy: it must have the form http://HOST:PORT, "
		    "and special characters in a user name or password must "
		    "be percent-encoded", from);
	switch (code) {
	case CURLE_OUT_OF_MEMORY:       /* also TOO_LARGE before 8.6 */
		return err_set(e, ERR_RETRY, true,
		    "out of memory, or a header of the answer is too long");
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
		return err_set(e, ERR_PEER, false,
		    "the answer's headers are too large");
#endif
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return err_set(e, ERR_DENIED, false,
		    "TLS: the certificate could not be verified: %s", why);
	case CURLE_SSL_CERTPROBLEM:
		return err_set(e, ERR_CONFIG, false, "TLS: the certificate of "
		    "--cert or its key cannot be used: %s", why);
	case CURLE_UNSUPPORTED_PROTOCOL:        /* an answer of HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(e, ERR_PEER, false, "not HTTP: %s", why);
	case CURLE_URL_MALFORMAT:
		if (strstr(why, "missing in parameters and") != NULL)
			return err_set(e, ERR_CONFIG, false, "--aws-sigv4 "
			    "needs a region and a service, such as "
			    "aws:amz:us-east-1:s3: %s", why);
		return err_set(e, ERR_USAGE, false, "not a URL: %s", why);
	case CURLE_PARTIAL_FILE:
		return err_set(e, ERR_RETRY, true,
		    "the answer was cut short: %s", why);
	default:
		return 0;
	}
}

enum {
	READ_SIZE = 128 << 10,
	SOCKET_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1
};

int
curl_check_files(const struct http_conf *c, struct err *e)
{
	const char *const files[] = { c->cacert, c->capath, c->cert, c->key };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] != NULL && access(files[i], R_OK) == -1)
			return err_errno(e, ERR_INPUT, files[i]);
	if (c->unix_socket != NULL && strlen(c->unix_socket) > SOCKET_MAX)
		return err_set(e, ERR_USAGE, false, "--unix-socket: the path "
		    "of a socket cannot be longer than %d bytes", SOCKET_MAX);
	return 0;
}

/* Sets the options whose texts libcurl copies. */
static int
set_text_options(CURL *u, const struct http_conf *c, struct err *e)
{
	const char *ca = getenv("SSL_CERT_FILE");
	const struct {
		CURLoption option;
		const char *text;
	} texts[] = {
		{ CURLOPT_CAINFO, c->cacert != NULL ? c->cacert :
		    ca != NULL && *ca != '\0' ? ca : NULL },
		{ CURLOPT_CAPATH, c->capath }, { CURLOPT_SSLCERT, c->cert },
		{ CURLOPT_SSLKEY, c->key }, { CURLOPT_PROXY, c->proxy },
		{ CURLOPT_UNIX_SOCKET_PATH, c->unix_socket },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].text != NULL && curl_easy_setopt(u,
		    texts[i].option, texts[i].text) != CURLE_OK)
			return err_nomem(e);
	return 0;
}

/* The first function sets the options that are the same for all requests, the
 * second one those of the request r. */
static int
curl_set_shared(void *u, const struct http_conf *c, struct err *e)
{
	curl_easy_setopt(u, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(u, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(u, CURLOPT_PROXY_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(u, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(u, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(u, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(u, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(u, CURLOPT_QUICK_EXIT, 1L);    /* no wait for DNS */
	curl_easy_setopt(u, CURLOPT_USERAGENT, "etl-extract/" ETL_VERSION);
	curl_easy_setopt(u, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)c->connect_timeout);
	curl_easy_setopt(u, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
	curl_easy_setopt(u, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	return set_text_options(u, c, e);
}

/* Sets the method and the body of the request. */
static CURLcode
set_method(CURL *u, const struct http_request *r)
{
	bool has_body = r->body != NULL || strcmp(r->method, "POST") == 0;

	curl_easy_setopt(u, CURLOPT_HTTPGET, 1L);
	if (has_body) {
		curl_easy_setopt(u, CURLOPT_POST, 1L);
		curl_easy_setopt(u, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)r->body_len);
		curl_easy_setopt(u, CURLOPT_POSTFIELDS,
		    r->body == NULL ? "" : r->body);
	}
	return curl_easy_setopt(u, CURLOPT_CUSTOMREQUEST,
	    strcmp(r->method, has_body ? "POST" : "GET") == 0 ? NULL :
	    r->method);
}

static CURLcode
set_signature(CURL *u, const struct http_request *r)
{
	CURLcode code = curl_easy_setopt(u, CURLOPT_AWS_SIGV4, r->sigv4);

	return code != CURLE_OK ? code :
	    curl_easy_setopt(u, CURLOPT_USERPWD, r->user_password);
}

static int
curl_set_request(void *u, const struct http_request *r, struct err *e)
{
	CURLcode code = set_signature(u, r);

	if (code == CURLE_OK)
		code = set_method(u, r);
	if (code == CURLE_OK)
		code = curl_easy_setopt(u, CURLOPT_URL, r->url);
	return code == CURLE_OK ? 0 : err_nomem(e);
}

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
 * bytes may belong to no answer: see transfer.h. Some of them are harmless:
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
