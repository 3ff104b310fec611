#define ZLIB_CONST
#include "common/gunzip.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_ONLY = 15 + 16, ROOM_MAX = 1 << 30 };

struct gunzip {
	z_stream z;
	bool is_complete;       /* the last member has ended, and no other has
				 * begun */
	bool has_member;        /* a member has ended */
	bool may_have_more;     /* zlib may hold decoded bytes for which there
				 * was no room */
	enum gunzip_result fault;
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
gunzip_has_more(const struct gunzip *z)
{
	return z->may_have_more || z->fault != GUNZIP_OK;
}

const char *
gunzip_why_damaged(const struct gunzip *z)
{
	return z->z.msg != NULL ? z->z.msg : "unknown cause";
}

/* Skips NUL bytes after a member and begins the next member. Returns false if
 * no input is left. */
static bool
begin_member(struct gunzip *z)
{
	z_stream *s = &z->z;

	for (; s->avail_in > 0 && *s->next_in == 0; s->next_in++)
		s->avail_in--;
	if (s->avail_in == 0)
		return false;
	z->is_complete = false;
	(void)inflateReset(s);
	return true;
}

static enum gunzip_result
fault_of(const struct gunzip *z, int rc)
{
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return GUNZIP_OK;
	if (rc == Z_MEM_ERROR)
		return GUNZIP_NO_MEMORY;
	return z->has_member && z->z.total_out == 0 ? GUNZIP_NO_MEMBER :
	    GUNZIP_DAMAGED;
}

static void
inflate_members(struct gunzip *z)
{
	z_stream *s = &z->z;
	int rc = Z_OK;

	while (rc == Z_OK && s->avail_out > 0 &&
	    (s->avail_in > 0 || z->may_have_more)) {
		if (z->is_complete && !begin_member(z))
			break;
		if ((rc = inflate(s, Z_NO_FLUSH)) == Z_STREAM_END) {
			z->is_complete = z->has_member = true;
			rc = Z_OK;
		}
		z->may_have_more = s->avail_out == 0 && !z->is_complete;
	}
	z->fault = fault_of(z, rc);
}

enum gunzip_result
gunzip_decode(struct gunzip *z, const char *p, size_t n, size_t *used,
    char *out, size_t room, size_t *made)
{
	const unsigned most = room < ROOM_MAX ? (unsigned)room : ROOM_MAX;

	z->z.next_in = (const unsigned char *)p;
	z->z.avail_in = (unsigned)n;
	z->z.next_out = (unsigned char *)out;
	z->z.avail_out = most;
	if (z->fault == GUNZIP_OK)
		inflate_members(z);
	*used = n - z->z.avail_in;
	*made = most - z->z.avail_out;
	return z->fault;
}

enum { ALWAYS_ALLOWED = 64 << 20 };

bool
growth_is_too_large(uint64_t raw, uint64_t decoded, uint64_t most)
{
	return decoded > ALWAYS_ALLOWED && decoded / most > raw;
}

int
growth_set_error(struct err *e, enum err_code code, const char *what,
    uint64_t most)
{
	return err_set(e, code, false, "%s becomes more than %llu times as "
	    "long when it is decompressed: it may be an attack; if you trust "
	    "it, raise --max-ratio", what, (unsigned long long)most);
}
