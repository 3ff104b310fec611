/* Tells private addresses from public ones (RFC 6890). Private are this host,
 * the local network, the metadata service of a cloud, and multicast. A redirect
 * from a public service to such an address is refused: the service could use it
 * to read servers inside the user's network through etl-extract.
 * Gives: true also if the argument is not an IPv4 or IPv6 address, except for
 * is_private_host(). */
#ifndef EXTRACT_PRIVATE_ADDRESS_H
#define EXTRACT_PRIVATE_ADDRESS_H

#include "base/errval.h"

#include <stdbool.h>
#include <sys/socket.h>

/* True for a private address, and also for an address of an unknown family. */
bool is_private_address(const struct sockaddr *a);
/* True for a private address, and also for a text that is not an address. */
bool is_private_text(
    const char *ip); /* such as "10.0.0.1" */
/* True for 169.254.0.0/16 and fe80::/10, also inside an IPv6 address. Clouds
 * give credentials to everybody who asks at such an address. */
bool is_link_local(const char *ip);
/* True if the host of a URL is private and this is seen without asking a name
 * server: a private address, such as "10.0.0.1" or "[::1]", or localhost. */
bool is_private_host(const char *host);
/* These functions set *e to ERR_DENIED and return -1. */
int fail_private(struct err *e);
int fail_link_local(struct err *e);

#endif
