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

bool is_private_or_unknown_address(const struct sockaddr *a);
bool is_private_or_invalid_address_text(
    const char *ip); /* such as "10.0.0.1" */
/* True for 169.254.0.0/16 and fe80::/10, also inside an IPv6 address. Clouds
 * give credentials to everybody who asks at such an address. */
bool is_link_local_text(const char *ip);
/* True if the host of a URL is private and this is seen without asking a name
 * server: a private address, such as "10.0.0.1" or "[::1]", or localhost. */
bool is_private_host(const char *host);
/* These functions set *e to ERR_DENIED and return -1. */
int set_private_address_error(struct err *e);
int set_link_local_error(struct err *e);

#endif
