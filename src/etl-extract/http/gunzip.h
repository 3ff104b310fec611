/* Decodes a gzip stream (RFC 1952) piece by piece. The stream may have several
 * members; their contents are joined.
 * Fails: gunzip_decode() returns -1 if the data is broken. */
#ifndef EXTRACT_GUNZIP_H
#define EXTRACT_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

struct gunzip;

struct gunzip *gunzip_new(void);        /* NULL if memory is out */
/* Decodes the n bytes at p into the `room` bytes at out. *used is how many
 * bytes of p it has taken, *made how many it has put at out. */
int gunzip_decode(struct gunzip *z, const char *p, size_t n, size_t *used,
    char *out, size_t room, size_t *made);
/* True if the input ended at the end of a member, so that nothing is
 * missing. */
bool gunzip_is_complete(const struct gunzip *z);
/* True if decoded bytes have had no room. */
bool gunzip_may_have_more(const struct gunzip *z);
void gunzip_free(struct gunzip *z);

#endif
