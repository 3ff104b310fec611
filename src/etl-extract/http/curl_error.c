#include "http/curl_error.h"

#include "http/proxy.h"

#include <curl/curl.h>
#include <string.h>

int
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
