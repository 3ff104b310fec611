#include "http/proxy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* libcurl cuts long messages: only this many bytes of the value are
 * compared. */
enum { COMPARED_MAX = 100 };

/* Those that libcurl reads. It does not read HTTP_PROXY, because a server
 * makes a variable of this name from a header (CGI). */
#define VARIABLE "the environment variable "
static const char *const variables[] = { VARIABLE "http_proxy",
	VARIABLE "https_proxy", VARIABLE "HTTPS_PROXY", VARIABLE "all_proxy",
	VARIABLE "ALL_PROXY" };

/* libcurl quotes a URL that it cannot use. A host name without quotes, which
 * libcurl prints if the proxy cannot be reached, is no secret. */
static bool
is_url_in_message(const char *url, const char *message)
{
	size_t n = strnlen(url, COMPARED_MAX);
	const char *at = n == 0 ? NULL :
	    memmem(message, strlen(message), url, n);

	return at != NULL && (memchr(url, '@', n) != NULL ||
	    (at > message && at[-1] == '\''));
}

const char *
proxy_find_in_message(const char *message, const char *option)
{
	const char *value;

	if (option != NULL && is_url_in_message(option, message))
		return "--proxy";

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if ((value = getenv(
		    variables[i] + strlen(VARIABLE))) != NULL &&
		    is_url_in_message(value, message))
			return variables[i];
	return NULL;
}
