/* Keeps the password of a proxy URL out of messages. If libcurl cannot use the
 * URL of --proxy or of a variable such as https_proxy, its message shows the
 * whole URL.
 * Gives: "--proxy", or "the environment variable NAME", if its value, or the
 *        first 100 bytes of a longer one, are in the message; else NULL.
 * Fails: never. */
#ifndef EXTRACT_PROXY_H
#define EXTRACT_PROXY_H

const char *proxy_find_in_message(const char *message, const char *option);

#endif
