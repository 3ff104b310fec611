/* A gzip stream (RFC 1952) decoded as it comes, members one after the other.
 * Fails: inflate_put() -1 where the data is broken or out is full. */
#ifndef EXTRACT_GUNZIP_H
#define EXTRACT_GUNZIP_H

#include "base/buf.h"

struct inflate;

struct inflate *inflate_new(void);              /* NULL: no memory */
int inflate_put(struct inflate *z, struct buf *out, const void *p, size_t n);
bool inflate_whole(const struct inflate *z);    /* ended where it should */
void inflate_free(struct inflate *z);

#endif
