#include "http/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

void
sockets_add(struct sockets *s, int fd)
{
	if (s->high == 0 || fd < s->low)
		s->low = fd;
	if (fd > s->high)
		s->high = fd;
}

typedef int get_name(int fd, struct sockaddr *a, socklen_t *n);

/* Returns the port of one end of a connection (getsockname or getpeername), or
 * 0 if fd is not an IP socket. */
static int
find_port(int fd, get_name *get)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);

	if (get(fd, (struct sockaddr *)(void *)&a, &n) == -1)
		return 0;
	if (a.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)(void *)&a)->sin_port);
	return a.ss_family != AF_INET6 ? 0 :
	    ntohs(((struct sockaddr_in6 *)(void *)&a)->sin6_port);
}

static bool
has_unread_bytes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Looks for the socket by its two ports, not by its number: a descriptor may
 * have been closed and opened again as another file. */
bool
sockets_have_unread(const struct sockets *s, int own_port, int port)
{
	if (own_port == 0)
		return false;
	for (int fd = s->low; s->high != 0 && fd <= s->high; fd++)
		if (find_port(fd, getsockname) == own_port &&
		    find_port(fd, getpeername) == port &&
		    has_unread_bytes(fd))
			return true;
	return false;
}

static bool
is_unix(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);

	return getpeername(fd, (struct sockaddr *)(void *)&a, &n) == 0 &&
	    a.ss_family == AF_UNIX;
}

bool
sockets_have_unread_unix(const struct sockets *s)
{
	for (int fd = s->low; s->high != 0 && fd <= s->high; fd++)
		if (is_unix(fd) && has_unread_bytes(fd))
			return true;
	return false;
}
