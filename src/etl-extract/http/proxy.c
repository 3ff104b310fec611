#include "http/proxy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Only this many bytes of the value are looked for, because libcurl cuts long
 * messages. */
enum { COMPARED_MAX = 100 };

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
