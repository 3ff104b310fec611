#include "http/proxy.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

const char *
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

bool
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
