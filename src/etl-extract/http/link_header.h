/* Parses Link headers (RFC 8288): several links in a header, several headers,
 * parameters with and without quotes, and several relation types in one rel.
 * A link with the parameter anchor is about another document, and is left out.
 * Borrows: the header; *uri points into it.
 * Gives: true and the target, as written, of the first link with rel=next. The
 *        links before a syntax error count, those after it do not. */
#ifndef EXTRACT_LINK_HEADER_H
#define EXTRACT_LINK_HEADER_H

#include "http/http.h"

bool link_find_next(
    const struct http_answer *a, const char **uri, size_t *len);
/* The same for the value of one Link header, value[0..n). */
bool link_find_next_in_value(
    const char *value, size_t n, const char **uri, size_t *len);

#endif
