/* Decodes a gzip stream (RFC 1952) piece by piece. The stream may have several
 * members; their contents are joined.
 * Fails: gunzip_add() returns -1 if the data is broken or out is full. */
#ifndef EXTRACT_GUNZIP_H
#define EXTRACT_GUNZIP_H

#include "base/buf.h"

struct gunzip;

struct gunzip *gunzip_new(void);        /* NULL if memory is out */
/* Decodes the next n bytes at p and appends the result to out. */
int gunzip_add(struct gunzip *z, struct buf *out, const void *p, size_t n);
/* True if the input ended at the end of a member, so that nothing is
 * missing. */
bool gunzip_is_complete(const struct gunzip *z);
void gunzip_free(struct gunzip *z);

#endif
