/* A gzip stream (RFC 1952) decoded as it comes, members one after the other.
 * Fails: gunzip_put() -1 where the data is broken or out is full. */
#ifndef EXTRACT_GUNZIP_H
#define EXTRACT_GUNZIP_H

#include "base/buf.h"

struct gunzip;

struct gunzip *gunzip_new(void);              /* NULL: no memory */
int gunzip_put(struct gunzip *z, struct buf *out, const void *p, size_t n);
bool gunzip_whole(const struct gunzip *z);    /* ended where it should */
void gunzip_free(struct gunzip *z);

#endif
