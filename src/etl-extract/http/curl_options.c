#include "http/curl_options.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

int
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

int
curl_set_request(void *u, const struct http_request *r, struct err *e)
{
	CURLcode code = set_signature(u, r);

	if (code == CURLE_OK)
		code = set_method(u, r);
	if (code == CURLE_OK)
		code = curl_easy_setopt(u, CURLOPT_URL, r->url);
	return code == CURLE_OK ? 0 : err_nomem(e);
}
