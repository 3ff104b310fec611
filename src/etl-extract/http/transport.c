#include "http/transport.h"

#include "base/clock.h"
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
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Receives an answer piece by piece: reads the status, stores the headers of
 * the last head, and stores the body. receiver_read() then decodes it.
 * Owns:  the bytes of the body that were received and are not yet decoded.
 * Borrows: the answer, from receiver_reset() until the next receiver_reset().
 * Fails: the functions that return bool: false if the transfer must end.
 *        refused_why is then the reason, or NULL if memory is out. */

/* The transfer pauses while this many bytes wait to be decoded. KEPT is for the
 * answer that is being read, KEPT_EARLY for an answer to an early request. */
enum { RECEIVER_KEPT = 128 << 10, RECEIVER_KEPT_EARLY = 1 << 20 };

struct receiver {
	struct http_answer *answer;
	size_t kept;                    /* RECEIVER_KEPT or _KEPT_EARLY */
	struct gunzip *gzip;            /* NULL if the body is not gzip */
	const char *refused_why;
	uint64_t max_ratio;             /* see gunzip.h */
	bool is_bomb;                   /* the body exceeds it */
	bool bad_gzip;                  /* gzip is broken: a retry may help */
	bool has_other_encoding;        /* neither gzip nor identity */
	bool has_head;                  /* the head is complete */
	bool is_http_1;                 /* HTTP/1.0 or 1.1 */
	size_t head_bytes;              /* of all heads (also 1xx), trailers */
	struct buf raw;                 /* bytes of the body that have come */
	size_t raw_at;                  /* this many bytes of it are decoded */
	uint64_t body_bytes;            /* before decompression */
	uint64_t decoded_bytes;
};

/* The capacity of `raw`. It is larger than `kept`, because libcurl may pass a
 * large piece of the body while receiver_is_full() is still false. */
enum { RAW_MAX = 64 << 20 };

static void
receiver_release(struct receiver *r)
{
	gunzip_free(r->gzip);
	buf_release(&r->raw);
	memset(r, 0, sizeof(*r));
}

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

/* True if receiver_read() may return bytes before more are received. */
static bool
receiver_has_bytes(const struct receiver *r)
{
	return r->raw_at < r->raw.len ||
	    (r->gzip != NULL && gunzip_has_more(r->gzip));
}

/* Puts up to n bytes of the body at p. *got is 0 if more must be received. */
static bool
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

/* Finds unread bytes on an open connection before the next request is sent.
 * Some services send bytes after the end of an answer. libcurl 7.88 would read
 * them as the start of the next answer, and the next page would be lost. Later
 * versions of libcurl close such a connection themselves.
 * Limits: for Unix sockets it checks all connections, because it cannot tell
 *         which one the next request will use. */

/* The range of descriptors in which sockets were opened. */
struct sockets {
	int low, high;          /* both 0: none */
};

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

/* True if any connection to a Unix socket has unread bytes. */
static bool
sockets_have_unread_unix(const struct sockets *s)
{
	for (int fd = s->low; s->high != 0 && fd <= s->high; fd++) {
		struct sockaddr_storage a = { 0 };
		socklen_t n = sizeof(a);

		if (getpeername(fd, (struct sockaddr *)(void *)&a, &n) == 0 &&
		    a.ss_family == AF_UNIX && has_unread_bytes(fd))
			return true;
	}
	return false;
}

/* Limits the time of an answer (--timeout): the time spent waiting for the
 * server plus the processor time of this program. So an answer that comes fast
 * and never ends reaches the limit too. The time during which the output of
 * this program is blocked does not count.
 * Fails: time_limit_check(), transient. */

struct time_limit {
	int64_t limit;          /* ms */
	int64_t waited;         /* ms */
	int64_t worked;         /* us of processor time */
	int64_t cpu_before;     /* us, at the last call */
};

static int64_t
cpu_time_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Starts the time of a new answer at 0. */
static void
time_limit_restart(struct time_limit *t, uint64_t limit_ms)
{
	t->limit = (int64_t)limit_ms;
	t->waited = t->worked = 0;
	t->cpu_before = cpu_time_us();
}

/* Adds the milliseconds since `since`, a time of clock_ms(). The processor time
 * of this period does not count in addition. */
static void
time_limit_add_wait(struct time_limit *t, int64_t since)
{
	t->waited += clock_ms() - since;
	t->cpu_before = cpu_time_us();
}

/* Sets *left to the milliseconds that are left. Fails if the time is over, or
 * if a stop signal has come. */
static int
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

/* Checks that the files of --cacert, --capath, --cert and --key can be read. If
 * one is missing, libcurl would report a bad certificate, which misleads. */
static int
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

/* Sets the options that are the same for all requests, except those that are
 * callbacks. Fails if memory is out. */
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

static int
curl_set_request(void *u, const struct http_request *r, struct err *e)
{
	CURLcode code = curl_easy_setopt(u, CURLOPT_AWS_SIGV4, r->sigv4);

	if (code == CURLE_OK)
		code = curl_easy_setopt(u, CURLOPT_USERPWD, r->user_password);
	if (code == CURLE_OK)
		code = set_method(u, r);
	if (code == CURLE_OK)
		code = curl_easy_setopt(u, CURLOPT_URL, r->url);
	return code == CURLE_OK ? 0 : err_nomem(e);
}

enum { TRANSFER_ERROR_MAX = 256 };

/* One request and its answer. All transfers of a process share one multi
 * handle, which holds the connections.
 * Owns:  all fields except the borrowed ones.
 * Borrows: the multi handle, the sockets, the texts of the options, the
 *          caller's answer, and the body of the request. The body of an early
 *          request is copied. */
struct transfer {
	struct transfer *next;          /* in a list of struct http */
	void *curl;                     /* the easy handle */
	char curl_error[TRANSFER_ERROR_MAX];
	const char *proxy;              /* of --proxy, or NULL */
	const char *unix_socket;        /* of --unix-socket, or NULL */
	struct curl_slist *headers;     /* of the request */
	struct receiver receiver;       /* of its answer */
	struct time_limit time;         /* of --timeout */
	bool is_active;                 /* a request was begun */
	bool is_done;                   /* its answer has ended, with code */
	int code;                       /* a CURLcode */
	bool is_paused;                 /* receive_body() has refused bytes */
	bool public_only;               /* refuse private addresses */
	bool may_link_local, host_is_private;   /* of the request */
	bool refused_private;           /* a private address was refused */
	bool refused_link_local;        /* a link-local one was refused */
	bool refused_connection;        /* a connection had unread bytes */
	struct sockets *sockets;        /* of all transfers */
	struct buf sent;                /* put_request() of an early request */
	struct http_answer early;       /* the answer to it, until it is
				 * moved */
};

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
	struct sockets *s = t->sockets;
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
	if (fd == -1)
		return fd;
	if (s->high == 0 || fd < s->low)
		s->low = fd;
	if (fd > s->high)
		s->high = fd;
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
 * bytes may belong to no answer: see struct sockets. Some of them are harmless:
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

static int
multi_set_error(int code, struct err *e)
{
	return code == CURLM_OUT_OF_MEMORY ? err_nomem(e) : err_set(
	    e, ERR_RETRY, true, "libcurl: %s", curl_multi_strerror(code));
}

/* Ends the transfer. Its connection can be used again only if the answer was
 * received to its end. */
static void
transfer_end(struct transfer *t, void *multi)
{
	if (t->is_active)
		(void)curl_multi_remove_handle(multi, t->curl);
	t->is_active = false;
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

static void
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

static int
transfer_new(struct transfer **to, const struct http_conf *c,
    struct sockets *s, struct err *e)
{
	struct transfer *t = calloc(1, sizeof(*t));
	CURL *u = t == NULL ? NULL : curl_easy_init();

	if (u == NULL) {
		free(t);
		(void)err_nomem(e);
		return -1;
	}
	t->curl = u;
	t->sockets = s;
	t->proxy = c->proxy;
	t->unix_socket = c->unix_socket;
	t->receiver.max_ratio = c->max_ratio;
	buf_init(&t->sent, SENT_MAX);
	http_answer_init(&t->early, 0);
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
	if (curl_set_shared(u, c, e) == -1) {
		transfer_free(t, NULL);
		return -1;
	}
	*to = t;
	return 0;
}

static int
begin_request(struct transfer *t, void *multi, const struct http_request *r,
    struct err *e)
{
	struct curl_slist *more;
	CURLMcode code;

	t->refused_private = t->is_done = t->is_paused = false;
	t->refused_connection = t->refused_link_local = false;
	t->public_only = r->public_only;
	t->may_link_local = r->may_link_local;
	t->host_is_private = r->host_is_private;
	time_limit_restart(&t->time, r->timeout);
	t->code = CURLE_OK;
	t->curl_error[0] = '\0';
	for (size_t i = 0; i < r->n_headers; i++) {
		more = curl_slist_append(t->headers, r->headers[i]);
		if (more == NULL)
			return err_nomem(e);
		t->headers = more;
	}
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	if (curl_set_request(t->curl, r, e) == -1)
		return -1;
	code = curl_multi_add_handle(multi, t->curl);
	t->is_active = code == CURLM_OK;
	return code == CURLM_OK ? 0 : multi_set_error(code, e);
}

/* Ends what was transferred before, and begins the request r. */
static int
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

/* Like transfer_begin(), for an early request: its answer is stored in
 * t->early. */
static int
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

/* True if r is the early request of t. From then on t follows r's rule for
 * private addresses: an early request may have been begun before its origin was
 * known to be public. */
static bool
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

/* Moves the early answer to *a. The rest of the answer is received into *a. */
static void
transfer_move_answer(struct transfer *t, struct http_answer *a)
{
	struct receiver *r = &t->receiver;
	struct http_answer *from = r->answer;
	const struct buf head = a->head;

	time_limit_add_wait(&t->time, clock_ms());
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

/* Called when libcurl says that the answer has ended. */
static void
transfer_set_done(struct transfer *t, int code)
{
	t->is_done = true;
	t->code = code;
}

/* Begins the request again and returns true if it was not sent because
 * check_connection() refused the connection. libcurl has closed this
 * connection, so it now uses another one. Call it before
 * transfer_set_done(). */
static bool
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

/* True if the head has come, or the transfer has ended without it. */
static bool
transfer_has_head(const struct transfer *t)
{
	return t->receiver.has_head || t->is_done;
}

/* True if a read need not wait: bytes have come, or the transfer has ended. */
static bool
transfer_may_read(const struct transfer *t)
{
	return receiver_has_bytes(&t->receiver) || t->is_done;
}

/* True while the request waits for bytes from the network: it was begun, its
 * answer has not ended, and the transfer is not paused. */
static bool
transfer_is_receiving(const struct transfer *t)
{
	return t->is_active && !t->is_done && !t->is_paused;
}

/* Sets *e to the reason why the answer was refused. Returns -1. */
static int
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

/* Sets *e to the reason why the transfer has failed. Returns -1. */
static int
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
	free_list(h->current, h->multi);
	free_list(h->early, h->multi);
	free_list(h->spare, h->multi);
	(void)curl_multi_cleanup(h->multi);
	free(h);
	curl_global_cleanup();
}

/* Sends and receives what is possible without waiting. */
static int
transfer_now(struct http *h, struct err *e)
{
	struct transfer *t = h->current;
	CURLMcode code = CURLM_OK;
	CURLMsg *m;
	int n, result;

	if (t->is_paused && !receiver_is_full(&t->receiver)) {
		t->is_paused = false;
		(void)curl_easy_pause(t->curl, CURLPAUSE_CONT);
	}
	if (!t->is_done || h->early != NULL)
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
	struct transfer *early;
	struct http_wakeup w;

	if (r->takes_early && http_match_early(h, r)) {
		early = h->early;
		h->early = early->next;
		early->next = NULL;
		keep_as_spare(h, h->current);
		h->current = early;
		transfer_move_answer(early, a);
	} else if (transfer_begin(h->current, h->multi, r, a, e) == -1) {
		return -1;
	}
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
	struct transfer *current = h->current;
	struct receiver *r = &current->receiver;
	struct time_limit *t = &current->time;
	const int64_t now = cpu_time_us();
	int64_t left;
	size_t got;

	t->worked += now - t->cpu_before;
	t->cpu_before = now;
	if (time_limit_check(t, &left, e) == -1)
		return -1;
	for (;;) {
		if (!receiver_read(r, p, n, &got))
			return transfer_set_refused(current, e);
		if (got > 0)
			return (ssize_t)got;
		if (current->is_done && !receiver_has_bytes(r))
			break;
		if (transfer_until(h, transfer_may_read, e) == -1)
			return -1;
	}
	if (current->code != CURLE_OK)
		return transfer_set_error(current, e);
	if (r->gzip != NULL && !gunzip_is_complete(r->gzip) &&
	    r->answer->status != 204)
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
