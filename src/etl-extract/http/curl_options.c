#include "http/curl_options.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 128 << 10 };

void
curl_options_set_client(void *u, const struct http_conf *c)
{
	const char *ca = getenv("SSL_CERT_FILE");

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
	curl_easy_setopt(u, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)c->connect_timeout);
	curl_easy_setopt(u, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
	if (ca != NULL && *ca != '\0')
		curl_easy_setopt(u, CURLOPT_CAINFO, ca);
}

static CURLcode
set_method_and_body(CURL *u, const struct http_request *r)
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

int
curl_options_set_request(void *u, const struct http_request *r, struct err *e)
{
	CURLcode code = set_method_and_body(u, r);

	if (code == CURLE_OK)
		code = curl_easy_setopt(u, CURLOPT_URL, r->url);
	return code == CURLE_OK ? 0 : err_nomem(e);
}
