/* Finds unread bytes on an open connection before the next request is sent.
 * Some services send bytes after the end of an answer. libcurl 7.88 would read
 * them as the start of the next answer, and the next page would be lost. Later
 * versions of libcurl close such a connection themselves.
 * Limits: for Unix sockets it checks all connections, because it cannot tell
 *         which one the next request will use. */
#ifndef EXTRACT_SOCKETS_H
#define EXTRACT_SOCKETS_H

#include <stdbool.h>

/* The range of descriptors in which sockets were opened. */
struct sockets {
	int low, high;          /* both 0: none */
};

void sockets_add(struct sockets *s, int fd);
/* True if the connection between these two ports has unread bytes. */
bool sockets_have_unread(const struct sockets *s, int own_port, int port);
/* True if any connection to a Unix socket has unread bytes. */
bool sockets_have_unread_unix(const struct sockets *s);

#endif
