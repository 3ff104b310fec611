#include "http/http.h"

#include "base/clock.h"
#include "base/stop.h"
#include "http/private_address.h"
#include "http/proxy.h"
#include "http/receiver.h"
#include "stdout_reader.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ERROR_BODY_KEPT = 4096, READ_SIZE = 128 << 10, READER_CHECK_MS = 100 };

struct http {
	CURL *curl;
	char curl_error[CURL_ERROR_SIZE];
	struct receiver receiver;       /* of the answer of http_get() */
	bool public_only;               /* refuse private addresses */
	bool refused_private;           /* one was refused */
	int64_t reader_checked;         /* when must_abort() checked stdout */
};

static size_t
receive_header(char *p, size_t size, size_t n, void *to)
{
	struct http *h = to;

	return receiver_add_header(&h->receiver, p, n * size) ? n * size : 0;
}

static size_t
receive_body(char *p, size_t size, size_t n, void *to)
{
	struct http *h = to;

	return receiver_add_body(&h->receiver, p, n * size) ? n * size : 0;
}

static int
must_abort(void *to, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct http *h = to;
	int64_t now = clock_ms();

	if (stop_signal() != 0)
		return 1;
	if (now - h->reader_checked < READER_CHECK_MS)
		return 0;
	h->reader_checked = now;
	return is_stdout_reader_gone();
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
set_curl_options(struct http *h, const struct http_conf *c)
{
	CURL *u = h->curl;
	const char *ca = getenv("SSL_CERT_FILE");

	curl_easy_setopt(u, CURLOPT_ERRORBUFFER, h->curl_error);
	curl_easy_setopt(u, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(u, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(u, CURLOPT_PROXY_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(u, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(u, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(u, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(u, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(u, CURLOPT_QUICK_EXIT, 1L);    /* do not await DNS */
	curl_easy_setopt(u, CURLOPT_USERAGENT, "etl-extract/" ETL_VERSION);
	curl_easy_setopt(u, CURLOPT_TIMEOUT_MS, (long)c->timeout);
	curl_easy_setopt(u, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)c->connect_timeout);
	curl_easy_setopt(u, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
	curl_easy_setopt(u, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(u, CURLOPT_XFERINFOFUNCTION, must_abort);
	curl_easy_setopt(u, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(u, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(u, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(u, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(u, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETFUNCTION, open_allowed_socket);
	curl_easy_setopt(u, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(u, CURLOPT_PREREQFUNCTION, note_or_refuse_private_ip);
	curl_easy_setopt(u, CURLOPT_PREREQDATA, h);
	if (ca != NULL && *ca != '\0')
		curl_easy_setopt(u, CURLOPT_CAINFO, ca);
}

int
http_open(struct http **to, const struct http_conf *c, struct err *e)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_IO, true, "libcurl could not be started");
	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->curl = curl_easy_init()) == NULL) {
		free(h);
		curl_global_cleanup();
		return err_nomem(e);
	}
	set_curl_options(h, c);
	*to = h;
	return 0;
}

void
http_close(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
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
set_transfer_error(struct http *h, CURLcode code, struct err *e)
{
	const char *why = h->curl_error[0] != '\0' ? h->curl_error :
	    curl_easy_strerror(code);
	const char *proxy = proxy_find_variable_in_message(h->curl_error);
	curl_off_t begun = 0;

	if (proxy != NULL)      /* libcurl's message has the proxy's password */
		return err_set(e, ERR_CONFIG, false, "the environment "
		    "variable %s does not hold the URL of a proxy: it must "
		    "have the form http://HOST:PORT, and special characters "
		    "in a user name or password must be percent-encoded",
		    proxy);
	if (h->refused_private)
		return err_set(e, ERR_DENIED, false,
		    "refused a redirect from a public address to a private "
		    "one: it could reach servers inside your network");
	switch (code) {
	case CURLE_WRITE_ERROR:
		if (h->receiver.refused_why == NULL)
			return err_nomem(e);
		return err_set(e, h->receiver.bad_gzip ? ERR_RETRY : ERR_PEER,
		    h->receiver.bad_gzip, "%s", h->receiver.refused_why);
	case CURLE_ABORTED_BY_CALLBACK:
		return set_stop_or_reader_gone_error(e);
	case CURLE_OUT_OF_MEMORY:       /* libcurl < 8.6: for both causes */
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
	case CURLE_UNSUPPORTED_PROTOCOL:        /* an answer of HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(e, ERR_PEER, false, "not HTTP: %s", why);
	case CURLE_URL_MALFORMAT:
		return err_set(e, ERR_USAGE, false, "not a URL: %s", why);
	case CURLE_PARTIAL_FILE:
		return err_set(e, ERR_RETRY, true,
		    "the answer was cut short: %s", h->curl_error);
	default:
		break;
	}
	(void)curl_easy_getinfo(h->curl, CURLINFO_PRETRANSFER_TIME_T, &begun);
	h->receiver.answer->unreachable = begun == 0;
	return err_set(e, ERR_RETRY, true, "%s", why);
}

int
http_get(struct http *h, const char *url, char *const *headers, size_t n,
    struct http_answer *a, struct err *e)
{
	struct curl_slist *list;
	CURLcode code;

	receiver_reset(&h->receiver, a);
	h->refused_private = false;
	h->curl_error[0] = '\0';
	if ((list = make_header_list(headers, n)) == NULL && n > 0)
		return err_nomem(e);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, list);
	if ((code = curl_easy_setopt(h->curl, CURLOPT_URL, url)) == CURLE_OK)
		code = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	if (h->receiver.has_head && a->status >= 300 &&
	    code != CURLE_ABORTED_BY_CALLBACK)
		return 0;       /* the status alone decides, not the body */
	if (code != CURLE_OK)
		return set_transfer_error(h, code, e);
	if (!h->receiver.has_head)
		return err_set(e, ERR_RETRY, true,
		    "the answer was cut short within its headers");
	if (receiver_lacks_end_of_gzip(&h->receiver))
		return err_set(e, ERR_RETRY, true,
		    "the answer's gzip data was cut short");
	return 0;
}

void
http_set_public_only(struct http *h, bool public_only)
{
	h->public_only = public_only;
}

static char *
get_url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *s = NULL;

	return curl_url_get(u, part, &s, flags) == CURLUE_OK ? s : NULL;
}

static char *
make_origin(CURLU *u, const char *scheme)
{
	char *host = get_url_part(u, CURLUPART_HOST, 0), *text = NULL;
	char *port = get_url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);

	if (asprintf(&text, "%s://%s:%s", scheme, host == NULL ? "" : host,
	    port == NULL ? "" : port) == -1)
		text = NULL;
	curl_free(host);
	curl_free(port);
	return text;
}

/* Fills *to from a parsed URL, without user name, password and fragment. */
static int
set_origin_and_url_without_user(struct http_url *to, CURLU *u, struct err *e)
{
	char *scheme = get_url_part(u, CURLUPART_SCHEME, 0);
	char *user = get_url_part(u, CURLUPART_USER, 0);

	to->has_user = user != NULL;
	curl_free(user);
	(void)curl_url_set(u, CURLUPART_USER, NULL, 0);
	(void)curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	(void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (scheme != NULL) {
		to->is_https = strcasecmp(scheme, "https") == 0;
		to->is_http = to->is_https || strcasecmp(scheme, "http") == 0;
		to->text = get_url_part(u, CURLUPART_URL, 0);
		to->origin = make_origin(u, scheme);
	}
	curl_free(scheme);
	if (to->text == NULL || to->origin == NULL)
		return err_nomem(e);
	for (const char *p = to->origin; *p != '\0'; p++)
		if ((*p & 0x80) != 0)   /* libcurl's IDN needs a locale */
			return err_set(e, ERR_USAGE, false, "the host name is "
			    "not ASCII: write its xn-- form (Punycode)");
	return 0;
}

int
http_url_parse(struct http_url *to, const char *base, const char *ref,
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
		rc = set_origin_and_url_without_user(to, u, e);
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
