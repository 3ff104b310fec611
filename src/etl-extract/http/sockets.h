/* Finds bytes that wait on a connection before a request is sent. A service has
 * sent them behind the end of its answer before. libcurl 7.88 would take them
 * for the answer to the request, and a page would be lost. Later versions of
 * libcurl close such a connection themselves.
 * Limits: of Unix sockets it cannot say which one the connection is. */
#ifndef EXTRACT_SOCKETS_H
#define EXTRACT_SOCKETS_H

#include <stdbool.h>

/* The lowest and the highest descriptor that was a socket. */
struct sockets {
	int low, high;          /* both 0: none */
};

void sockets_add(struct sockets *s, int fd);
/* True if bytes wait on the connection between these two ports. */
bool sockets_bytes_wait(const struct sockets *s, int own_port, int port);
/* True if bytes wait on any connection to a Unix socket. */
bool sockets_bytes_wait_on_unix(const struct sockets *s);

#endif
