#include "api.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, MIB = 1 << 20, ROOM = 16384 };

/* Compresses n bytes; if last is true, finishes the gzip data. */
static void
deflate_put(struct buf *out, z_stream *z, const char *p, size_t n, bool last)
{
	unsigned char *room = calloc(1, ROOM);
	int rc;

	if (room == NULL)
		return;
	z->next_in = (unsigned char *)(uintptr_t)p;
	z->avail_in = (unsigned)n;
	do {
		z->next_out = room;
		z->avail_out = ROOM;
		rc = deflate(z, last ? Z_FINISH : Z_NO_FLUSH);
		buf_add(out, room, ROOM - z->avail_out);
	} while (rc == Z_OK && (z->avail_in > 0 || last));
	free(room);
}

static int
deflate_start(z_stream *z, int level)
{
	memset(z, 0, sizeof(*z));
	return deflateInit2(z, level, Z_DEFLATED, GZIP_WINDOW, 8,
	    Z_DEFAULT_STRATEGY);
}

void
gzip(struct buf *out, const struct buf *in)
{
	z_stream z;

	if (deflate_start(&z, 1) != Z_OK)
		return;
	deflate_put(out, &z, in->data, in->len, true);
	deflateEnd(&z);
}

void
gzip_bomb(struct buf *out, size_t mib)
{
	struct buf blank;
	z_stream z;

	buf_init(&blank, MIB);
	if (deflate_start(&z, 9) != Z_OK)
		return;
	for (size_t i = 0; i < MIB; i++)
		buf_char(&blank, ' ');
	for (size_t i = 0; i < mib; i++)
		deflate_put(out, &z, blank.data, blank.len, false);
	deflate_put(out, &z, "[]", 2, true);
	deflateEnd(&z);
	buf_release(&blank);
}
