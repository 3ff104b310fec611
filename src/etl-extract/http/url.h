/* URLs as text: percent-encoding and query parameters (RFC 3986).
 * Gives: percent_put() appends p[0..n) with all but the unreserved characters
 *        encoded; with reserved, those and %XX stay as well.
 *        query_add() appends one parameter; query_set() drops those of its
 *        name first. */
#ifndef EXTRACT_URL_H
#define EXTRACT_URL_H

#include "base/buf.h"

void percent_put(struct buf *b, const char *p, size_t n, bool reserved);
void query_add(struct buf *url, const char *name, size_t n,
    const char *value);
void query_set(struct buf *url, const char *name, size_t n,
    const char *value);
void query_drop(struct buf *url, const char *name, size_t n);

#endif
