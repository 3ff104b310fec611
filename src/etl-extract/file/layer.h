/* One step between the bytes of a file and its reader: the descriptor itself, a
 * decompressor, or the conversion to UTF-8.
 * Owns:  the layer below, which close() also closes.
 * Gives: read() returns the number of bytes that it has written to p, 0 at the
 *        end of the input, -1 with an error. n is never 0. */
#ifndef EXTRACT_LAYER_H
#define EXTRACT_LAYER_H

#include "base/errval.h"

#include <stddef.h>
#include <sys/types.h>

enum { LAYER_CHUNK = 64 << 10 };        /* bytes that a layer reads at once */

struct layer {
	ssize_t (*read)(struct layer *l, char *p, size_t n, struct err *e);
	void (*close)(struct layer *l);
};

/* The functions below open a layer on top of `below` and then own `below`. On
 * failure they close it, set *e and return NULL. */
struct layer *gzip_layer_open(struct layer *below, struct err *e);
struct layer *zstd_layer_open(struct layer *below, struct err *e);
struct layer *encoding_layer_open(
    struct layer *below, const char *encoding, struct err *e);

/* Returns NAME if the option is auto:NAME, and the file is neither valid UTF-8
 * nor has a byte order mark, so that it is read as NAME; else NULL. */
const char *encoding_fallback(const struct layer *l);

/* Converts text that was read from the encoding layer l back to the encoding of
 * the file, and appends it to *out. */
struct buf;
int encoding_put_original(const struct layer *l, struct buf *out,
    const char *text, size_t n, struct err *e);

#endif
