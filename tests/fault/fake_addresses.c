/* LD_PRELOAD: addresses that this machine has not got, each of them one of
 * its loopback in truth, so that a service can be a public one. The name
 * rebind.example has a public address until the file REBIND_AFTER exists, and
 * a private one from then on; time() goes so fast that libcurl looks it up for
 * each connection.  The name metadata.example has a link-local address. */
#include "shim.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TOLD, REAL };
static const char *const places[][2] = {
	{ "203.0.113.1", "127.0.1.1" },
	{ "10.1.2.3", "127.0.1.2" },
	{ "169.254.169.254", "127.0.1.3" },
};

static void
put_other(struct sockaddr_in *in, int from)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (in->sin_addr.s_addr == inet_addr(places[i][from])) {
			in->sin_addr.s_addr = inet_addr(places[i][!from]);
			return;
		}
}

int
connect(int fd, const struct sockaddr *to, socklen_t n)
{
	struct sockaddr_in in;

	if (to->sa_family != AF_INET || n < sizeof(in))
		return NEXT(connect)(fd, to, n);
	memcpy(&in, to, sizeof(in));
	put_other(&in, TOLD);
	return NEXT(connect)(fd, (const struct sockaddr *)&in, sizeof(in));
}

int
getpeername(int fd, struct sockaddr *restrict of, socklen_t *restrict n)
{
	socklen_t room = *n;
	int rc = NEXT(getpeername)(fd, of, n);
	struct sockaddr_in in;

	if (rc == 0 && of->sa_family == AF_INET && room >= sizeof(in)) {
		memcpy(&in, of, sizeof(in));
		put_other(&in, REAL);
		memcpy(of, &in, sizeof(in));
	}
	return rc;
}

int
getaddrinfo(const char *restrict name, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict to)
{
	const char *asked = getenv("REBIND_AFTER");

	if (name != NULL && strcmp(name, "metadata.example") == 0)
		name = "169.254.169.254";
	if (name != NULL && strcmp(name, "rebind.example") == 0)
		name = asked != NULL && access(asked, F_OK) == 0 ?
		    "10.1.2.3" : "203.0.113.1";
	return NEXT(getaddrinfo)(name, service, hints, to);
}

time_t
time(time_t *to)
{
	struct timespec now;
	time_t t;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	t = now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (to != NULL)
		*to = t;
	return t;
}
