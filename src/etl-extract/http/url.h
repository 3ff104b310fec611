/* Edits URLs as text: percent-encoding and query parameters (RFC 3986).
 * percent_encode() appends p[0..n) and encodes all but unreserved
 * characters. With keep_reserved_and_triplets, reserved characters and %XX
 * are not encoded either. query_add_dropping_fragment() appends a parameter;
 * query_remove() removes all of this name; query_set_dropping_fragment()
 * does both. The name and the value are given without encoding. A fragment
 * of the URL may get lost: it is not sent to a server.
 * Fail: without memory, as an append does (buf.h): buf_check() tells. */
#ifndef EXTRACT_URL_H
#define EXTRACT_URL_H

#include "base/buf.h"

void percent_encode(struct buf *b, const char *p, size_t n,
    bool keep_reserved_and_triplets);
void query_add_dropping_fragment(struct buf *url, const char *name, size_t n,
    const char *value);
void query_set_dropping_fragment(struct buf *url, const char *name, size_t n,
    const char *value);
void query_remove(struct buf *url, const char *name, size_t n);

#endif
