#include "http/gunzip.h"

#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

enum { GZIP_ONLY = 15 + 16 };

struct gunzip {
	z_stream z;
	bool is_complete;
	bool may_have_more;     /* decoded bytes that had no room */
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

bool
gunzip_may_have_more(const struct gunzip *z)
{
	return z->may_have_more;
}

int
gunzip_decode(struct gunzip *z, const char *p, size_t n, size_t *used,
    char *out, size_t room, size_t *made)
{
	z_stream *s = &z->z;
	int rc = Z_OK;

	s->next_in = (const unsigned char *)p;
	s->avail_in = (unsigned)n;
	s->next_out = (unsigned char *)out;
	s->avail_out = (unsigned)room;
	while (rc == Z_OK && s->avail_out > 0 &&
	    (s->avail_in > 0 || z->may_have_more)) {
		if (z->is_complete && inflateReset(s) != Z_OK)
			return -1;
		z->is_complete = false;
		if ((rc = inflate(s, Z_NO_FLUSH)) == Z_STREAM_END) {
			z->is_complete = true;
			rc = Z_OK;
		}
		z->may_have_more = s->avail_out == 0 && !z->is_complete;
	}
	*used = n - s->avail_in;
	*made = room - s->avail_out;
	return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : -1;
}
