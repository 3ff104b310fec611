#include "http/http.h"

#include "base/clock.h"
#include "base/stop.h"
#include "http/gunzip.h"
#include "http/private_address.h"
#include "stdout_reader.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ERROR_KEPT = 4096, READ_SIZE = 128 << 10,
	LOOK_MS = 100 };

struct http {
	CURL *curl;
	char text[CURL_ERROR_SIZE];
	struct http_answer *answer;     /* during http_get() */
	struct gunzip *gzip;
	const char *refused;            /* why we ended the transfer */
	bool again;                     /* which another try may help */
	bool coded;                     /* in an encoding we did not ask for */
	bool headed;                    /* the head is whole */
	size_t heads;                   /* bytes of all heads, 1xx included */
	bool wary, private;             /* public addresses only; refused one */
	int64_t looked;                 /* for a reader that has left */
};

/* The end of the head: how the body that follows is to be read. */
static void
head_ended(struct http *h)
{
	const char *v;
	size_t n;

	h->headed = true;
	if (!http_header(h->answer, "Content-Encoding", &v, &n) || n == 0 ||
	    (n == 8 && strncasecmp(v, "identity", n) == 0))
		return;
	h->coded = (n != 4 || strncasecmp(v, "gzip", n) != 0) &&
	    (n != 6 || strncasecmp(v, "x-gzip", n) != 0);
	if (!h->coded && (h->gzip = gunzip_new()) == NULL)
		h->answer->body.failed = true;
}

static size_t
refuse(struct http *h, const char *why)
{
	h->refused = why;
	return 0;
}

static size_t
take_header(char *p, size_t size, size_t n, void *to)
{
	struct http *h = to;
	struct http_answer *a = h->answer;

	n *= size;
	h->heads += n;
	if (h->heads > a->head.max)
		return refuse(h, "the answer's head is too large");
	if (h->headed)                  /* a trailer: no one may rely on it */
		return n;
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0) {
		const char *at = memchr(p, ' ', n);

		buf_clear(&a->head);
		a->status = at == NULL ? 0 : (int)strtol(at, NULL, 10);
		return n;
	}
	buf_add(&a->head, p, n);
	if ((n <= 2 && (*p == '\r' || *p == '\n')) && a->status >= 200)
		head_ended(h);
	return a->head.failed ? 0 : n;
}

static size_t
take_body(char *p, size_t size, size_t n, void *to)
{
	struct http *h = to;
	struct buf *b = &h->answer->body;

	n *= size;
	if (h->answer->status >= 300 && b->len > ERROR_KEPT)
		return n;
	if (h->coded)
		return refuse(h, "the answer has an encoding that was not "
		    "asked for");
	if (h->gzip == NULL)
		buf_add(b, p, n);
	else
		h->again = gunzip_put(h->gzip, b, p, n) == -1 && !b->failed;
	if (h->again)
		return refuse(h, "the answer's gzip data is broken");
	return !b->failed ? n : refuse(h, !b->full ? NULL :
	    "the answer is too large (see --max-body)");
}

static int
stopped(void *to, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct http *h = to;
	int64_t now = clock_ms();

	if (stop_signal() != 0)
		return 1;
	if (now - h->looked < LOOK_MS)
		return 0;
	h->looked = now;
	return reader_gone();
}

static curl_socket_t
open_socket(void *to, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http *h = to;

	if (h->wary && address_private(&a->addr)) {
		h->private = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* A connection kept alive opens no socket. */
static int
before_request(void *to, char *ip, char *local, int port, int local_port)
{
	struct http *h = to;

	h->answer->near = address_text_private(ip);
	h->private = h->wary && h->answer->near;
	return h->private ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* What never changes between requests. */
static void
http_set(struct http *h, const struct http_conf *c)
{
	CURL *u = h->curl;
	const char *ca = getenv("SSL_CERT_FILE");

	curl_easy_setopt(u, CURLOPT_ERRORBUFFER, h->text);
	curl_easy_setopt(u, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(u, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(u, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(u, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(u, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(u, CURLOPT_QUICK_EXIT, 1L);    /* waits for no DNS */
	curl_easy_setopt(u, CURLOPT_USERAGENT, "etl-extract/" ETL_VERSION);
	curl_easy_setopt(u, CURLOPT_TIMEOUT_MS, (long)c->timeout);
	curl_easy_setopt(u, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)c->connect_timeout);
	curl_easy_setopt(u, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
	curl_easy_setopt(u, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(u, CURLOPT_XFERINFOFUNCTION, stopped);
	curl_easy_setopt(u, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(u, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(u, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(u, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(u, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(u, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(u, CURLOPT_PREREQDATA, h);
	if (ca != NULL && *ca != '\0')
		curl_easy_setopt(u, CURLOPT_CAINFO, ca);
}

int
http_open(struct http **to, const struct http_conf *c, struct err *e)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_IO, true, "libcurl does not start");
	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->curl = curl_easy_init()) == NULL) {
		free(h);
		curl_global_cleanup();
		return err_nomem(e);
	}
	http_set(h, c);
	*to = h;
	return 0;
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	gunzip_free(h->gzip);
	free(h);
	curl_global_cleanup();
}

static struct curl_slist *
header_list(char *const *headers, size_t n)
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
transfer_failed(struct http *h, CURLcode code, struct err *e)
{
	const char *why = h->text[0] != '\0' ? h->text :
	    curl_easy_strerror(code);
	curl_off_t begun = 0;

	if (h->private)
		return err_set(e, ERR_DENIED, false,
		    "redirect from a public to a private address");
	switch (code) {
	case CURLE_WRITE_ERROR:
		if (h->refused == NULL)
			return err_nomem(e);
		return err_set(e, h->again ? ERR_RETRY : ERR_PEER, h->again,
		    "%s", h->refused);
	case CURLE_ABORTED_BY_CALLBACK:
		return reader_stop_error(e);
	case CURLE_OUT_OF_MEMORY:               /* up to 8.5, both */
		return err_set(e, ERR_RETRY, true,
		    "out of memory, or a line of the head is too long");
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
		return err_set(e, ERR_PEER, false,
		    "the answer's head is too large");
#endif
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return err_set(e, ERR_DENIED, false, "TLS: %s", why);
	case CURLE_UNSUPPORTED_PROTOCOL:        /* HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(e, ERR_PEER, false, "no HTTP: %s", why);
	case CURLE_URL_MALFORMAT:
		return err_set(e, ERR_USAGE, false, "not a URL: %s", why);
	case CURLE_PARTIAL_FILE:
		return err_set(e, ERR_RETRY, true,
		    "the answer was cut short: %s", h->text);
	default:
		break;
	}
	(void)curl_easy_getinfo(h->curl, CURLINFO_PRETRANSFER_TIME_T, &begun);
	h->answer->unreachable = begun == 0;
	return err_set(e, ERR_RETRY, true, "%s", why);
}

static void
http_reset(struct http *h, struct http_answer *a)
{
	a->status = 0;
	a->unreachable = a->near = false;
	buf_clear(&a->head);
	buf_clear(&a->body);
	h->answer = a;
	gunzip_free(h->gzip);
	h->gzip = NULL;
	h->refused = NULL;
	h->again = h->coded = h->private = h->headed = false;
	h->heads = 0;
	h->text[0] = '\0';
}

int
http_get(struct http *h, const char *url, char *const *headers, size_t n,
    struct http_answer *a, struct err *e)
{
	struct curl_slist *list;
	CURLcode code;

	http_reset(h, a);
	if ((list = header_list(headers, n)) == NULL && n > 0)
		return err_nomem(e);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, list);
	if ((code = curl_easy_setopt(h->curl, CURLOPT_URL, url)) == CURLE_OK)
		code = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	if (h->headed && a->status >= 300 && code != CURLE_ABORTED_BY_CALLBACK)
		return 0;       /* it says all, whatever its body is */
	if (code != CURLE_OK)
		return transfer_failed(h, code, e);
	if (!h->headed)
		return err_set(e, ERR_RETRY, true,
		    "the answer was cut short in its head");
	if (h->gzip != NULL && !gunzip_whole(h->gzip) && a->status != 204)
		return err_set(e, ERR_RETRY, true,
		    "the answer's gzip data was cut short");
	return 0;
}

void
http_wary(struct http *h, bool wary)
{
	h->wary = wary;
}

static char *
url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *s = NULL;

	return curl_url_get(u, part, &s, flags) == CURLUE_OK ? s : NULL;
}

static char *
url_origin(CURLU *u, const char *scheme)
{
	char *host = url_part(u, CURLUPART_HOST, 0), *text = NULL;
	char *port = url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);

	if (asprintf(&text, "%s://%s:%s", scheme, host == NULL ? "" : host,
	    port == NULL ? "" : port) == -1)
		text = NULL;
	curl_free(host);
	curl_free(port);
	return text;
}

/* The parts of a URL that has been parsed. */
static int
url_take(struct http_url *to, CURLU *u, struct err *e)
{
	char *scheme = url_part(u, CURLUPART_SCHEME, 0);
	char *user = url_part(u, CURLUPART_USER, 0);

	to->user = user != NULL;
	curl_free(user);
	(void)curl_url_set(u, CURLUPART_USER, NULL, 0);
	(void)curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	(void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (scheme != NULL) {
		to->secure = strcasecmp(scheme, "https") == 0;
		to->http = to->secure || strcasecmp(scheme, "http") == 0;
		to->text = url_part(u, CURLUPART_URL, 0);
		to->origin = url_origin(u, scheme);
	}
	curl_free(scheme);
	if (to->text == NULL || to->origin == NULL)
		return err_nomem(e);
	for (const char *p = to->origin; *p != '\0'; p++)
		if ((*p & 0x80) != 0)   /* libcurl would ask the locale */
			return err_set(e, ERR_USAGE, false, "a host name "
			    "outside ASCII: write its xn-- form");
	return 0;
}

int
http_url_init(struct http_url *to, const char *base, const char *ref,
    struct err *e)
{
	CURLU *u = curl_url();
	CURLUcode code = CURLUE_OK;
	int rc = -1;

	memset(to, 0, sizeof(*to));
	if (u == NULL)
		return err_nomem(e);
	if (base != NULL)
		code = curl_url_set(u, CURLUPART_URL, base, 0);
	if (code == CURLUE_OK)
		code = curl_url_set(u, CURLUPART_URL, ref,
		    CURLU_NON_SUPPORT_SCHEME | (base == NULL ? 0 :
		    CURLU_URLENCODE | CURLU_ALLOW_SPACE));
	if (code != CURLUE_OK)
		(void)err_set(e, ERR_USAGE, false, "not a URL: %s",
		    curl_url_strerror(code));
	else
		rc = url_take(to, u, e);
	curl_url_cleanup(u);
	if (rc == -1)
		http_url_release(to);
	return rc;
}

void
http_url_release(struct http_url *u)
{
	curl_free(u->text);
	free(u->origin);
	memset(u, 0, sizeof(*u));
}
