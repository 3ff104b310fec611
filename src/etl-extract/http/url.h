/* Edits URLs as text: percent-encoding and query parameters (RFC 3986).
 * percent_encode() appends p[0..n) and encodes all but unreserved characters.
 * With keep_reserved_and_triplets, reserved characters and %XX are not encoded
 * either. query_add() appends a parameter; query_remove() removes all of this
 * name, and the fragment too; query_set() does both. Name and value are given
 * without encoding.
 * Fail: if memory is out, the buffer is marked as failed: see buf_check(). */
#ifndef EXTRACT_URL_H
#define EXTRACT_URL_H

#include "base/buf.h"

void percent_encode(struct buf *b, const char *p, size_t n,
    bool keep_reserved_and_triplets);
/* Appends a parameter. Removes the fragment of the URL. */
void query_add(struct buf *url, const char *name, size_t n, const char *value);
void query_set(struct buf *url, const char *name, size_t n, const char *value);
void query_remove(struct buf *url, const char *name, size_t n);

#endif
