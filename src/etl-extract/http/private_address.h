/* Tells private addresses from public ones (RFC 6890). Private are this host,
 * the local network, the metadata service of a cloud, and multicast. A redirect
 * from a public service to such an address is refused: the service could use it
 * to read servers inside the user's network through etl-extract.
 * Gives: true also if the argument is not an IPv4 or IPv6 address. */
#ifndef EXTRACT_PRIVATE_ADDRESS_H
#define EXTRACT_PRIVATE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

bool is_private_or_unknown_address(const struct sockaddr *a);
bool is_private_or_invalid_address_text(
    const char *ip); /* such as "10.0.0.1" */

#endif
