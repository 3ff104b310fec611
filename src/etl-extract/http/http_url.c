#include "http/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *
get_url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *s = NULL;

	return curl_url_get(u, part, &s, flags) == CURLUE_OK ? s : NULL;
}

static char *
make_origin(CURLU *u, const char *scheme, const char *host)
{
	char *text = NULL;
	char *port = get_url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);

	if (asprintf(&text, "%s://%s:%s", scheme, host == NULL ? "" : host,
	    port == NULL ? "" : port) == -1)
		text = NULL;
	curl_free(port);
	return text;
}

/* Removes the brackets of "[::1]" and the dot at the end of "localhost.". */
static void
strip_host(char *host)
{
	size_t n = strlen(host);

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		memmove(host, host + 1, n - 2);
		host[n - 2] = '\0';
	} else if (n > 1 && host[n - 1] == '.') {
		host[n - 1] = '\0';
	}
}

/* Fills *to from a parsed URL, without user name, password and fragment. */
static int
set_url_parts(struct http_url *to, CURLU *u, struct err *e)
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
		to->host = get_url_part(u, CURLUPART_HOST, 0);
		to->origin = make_origin(u, scheme, to->host);
	}
	curl_free(scheme);
	if (to->text == NULL || to->origin == NULL)
		return err_nomem(e);
	if (to->host != NULL)
		strip_host(to->host);
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
		rc = set_url_parts(to, u, e);
	curl_url_cleanup(u);
	if (rc == -1)
		http_url_release(to);
	return rc;
}

void
http_url_release(struct http_url *u)
{
	curl_free(u->text);
	curl_free(u->host);
	free(u->origin);
	memset(u, 0, sizeof(*u));
}
