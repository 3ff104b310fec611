/* The proxies that libcurl may use: that of --proxy (`option`) or, if it is
 * NULL, those of variables such as https_proxy. */
#ifndef EXTRACT_PROXY_H
#define EXTRACT_PROXY_H

#include <stdbool.h>

/* Keeps the password of a proxy URL out of messages: if libcurl cannot use the
 * URL, its message shows the whole URL. Returns "--proxy", or "the environment
 * variable NAME", if its value, or the first 100 bytes of a longer one, are in
 * the message; else NULL. */
const char *proxy_find(const char *message, const char *option);
/* True if a connection to this address and port is one to a proxy. If the URL
 * of a proxy has a name and not an address, only its port is compared. */
bool proxy_is_at(const char *option, const char *ip, int port);

#endif
