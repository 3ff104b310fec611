#include "http/gunzip.h"

#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

enum { GZIP_ONLY = 15 + 16, CHUNK_SIZE = 32 << 10 };

struct gunzip {
	z_stream z;
	bool is_complete;
	unsigned char chunk[CHUNK_SIZE];
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
gunzip_is_complete(const struct gunzip *z)
{
	return z->is_complete;
}

/* Decodes up to CHUNK_SIZE bytes into out. Returns Z_OK, Z_STREAM_END at the
 * end of a gzip member, or zlib's error; Z_MEM_ERROR also if out is full. */
static int
decode_chunk(struct gunzip *z, struct buf *out)
{
	int rc;

	z->z.next_out = z->chunk;
	z->z.avail_out = CHUNK_SIZE;
	rc = inflate(&z->z, Z_NO_FLUSH);
	buf_add(out, z->chunk, CHUNK_SIZE - z->z.avail_out);
	return out->failed ? Z_MEM_ERROR : rc;
}

int
gunzip_add(struct gunzip *z, struct buf *out, const void *p, size_t n)
{
	int rc = Z_OK;

	z->z.next_in = p;
	z->z.avail_in = (unsigned)n;
	while (rc == Z_OK && (z->z.avail_in > 0 || z->z.avail_out == 0)) {
		if (z->is_complete && inflateReset(&z->z) != Z_OK)
			return -1;
		z->is_complete = false;
		rc = decode_chunk(z, out);
		if (rc == Z_STREAM_END) {
			z->is_complete = true;
			z->z.avail_out = CHUNK_SIZE;
			rc = Z_OK;
		}
	}
	return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : -1;
}
