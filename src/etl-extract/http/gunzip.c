#include "http/gunzip.h"

#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

enum { GZIP_ONLY = 15 + 16, ROOM = 32 << 10 };

struct gunzip {
	z_stream z;
	bool whole;
	unsigned char room[ROOM];
};

struct gunzip *
gunzip_new(void)
{
	struct gunzip *z = calloc(1, sizeof(*z));

	if (z != NULL && inflateInit2(&z->z, GZIP_ONLY) != Z_OK) {
		free(z);
		z = NULL;
	}
	return z;
}

void
gunzip_free(struct gunzip *z)
{
	if (z == NULL)
		return;
	(void)inflateEnd(&z->z);
	free(z);
}

bool
gunzip_whole(const struct gunzip *z)
{
	return z->whole;
}

/* One step: Z_OK, Z_STREAM_END, or what went wrong. */
static int
gunzip_step(struct gunzip *z, struct buf *out)
{
	int rc;

	z->z.next_out = z->room;
	z->z.avail_out = ROOM;
	rc = inflate(&z->z, Z_NO_FLUSH);
	buf_add(out, z->room, ROOM - z->z.avail_out);
	return out->failed ? Z_MEM_ERROR : rc;
}

int
gunzip_put(struct gunzip *z, struct buf *out, const void *p, size_t n)
{
	int rc = Z_OK;

	z->z.next_in = p;
	z->z.avail_in = (unsigned)n;
	while (rc == Z_OK && (z->z.avail_in > 0 || z->z.avail_out == 0)) {
		if (z->whole && inflateReset(&z->z) != Z_OK)
			return -1;
		z->whole = false;
		rc = gunzip_step(z, out);
		if (rc == Z_STREAM_END) {
			z->whole = true;
			z->z.avail_out = ROOM;
			rc = Z_OK;
		}
	}
	return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : -1;
}
