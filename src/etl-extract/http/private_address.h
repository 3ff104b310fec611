/* Addresses that only mean something near: this host, this network, a cloud's
 * metadata (RFC 6890).  A service on the internet that redirects to one of
 * them makes us its tool. */
#ifndef EXTRACT_PRIVATE_ADDRESS_H
#define EXTRACT_PRIVATE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

bool address_private(const struct sockaddr *a);
bool address_text_private(const char *ip);      /* also where it is none */

#endif
