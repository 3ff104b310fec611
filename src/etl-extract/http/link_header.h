/* Parses Link headers (RFC 8288): several links in a header, several headers,
 * parameters with and without quotes, and several relation types in one rel.
 * Skips links with the parameter anchor, which are about another document.
 * Borrows: the header; *uri points into it.
 * Gives: true and the target, as written, of the first link with rel=next.
 *        After a syntax error the rest of the header is ignored. */
#ifndef EXTRACT_LINK_HEADER_H
#define EXTRACT_LINK_HEADER_H

#include "http/http.h"

bool link_find_next(
    const struct http_answer *a, const char **uri, size_t *len);
/* The same for value[0..n), the value of one Link header. */
bool link_find_in_value(const char *value, size_t n, const char **uri,
    size_t *len);

#endif
