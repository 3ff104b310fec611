#include "file/layer.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_ONLY = 15 + 16 };

struct gzip {
	struct layer layer;
	struct layer *below;
	z_stream z;
	bool is_in_member;      /* a member has begun and has not ended */
	bool has_ended;         /* a member has ended */
	unsigned char chunk[LAYER_CHUNK];
};

static void
gzip_close(struct layer *l)
{
	struct gzip *g = (struct gzip *)l;

	(void)inflateEnd(&g->z);
	g->below->close(g->below);
	free(g);
}

static int
set_cut_error(struct err *e)
{
	return err_set(e, ERR_IO, false, "the compressed data (gzip) ends "
	    "early: the file was cut: fetch it again");
}

static int
read_chunk(struct gzip *g, struct err *e)
{
	ssize_t n = g->below->read(
	    g->below, (char *)g->chunk, sizeof(g->chunk), e);

	g->z.next_in = g->chunk;
	g->z.avail_in = n > 0 ? (unsigned)n : 0;
	return n == -1 ? -1 : n > 0;
}

/* Between two members: skips NUL bytes, with which a tape or another block
 * device fills its last block. Returns 1 if another member follows, 0 at the
 * end. */
static int
find_next_member(struct gzip *g, struct err *e)
{
	int more;

	for (;;) {
		while (g->z.avail_in > 0 && *g->z.next_in == 0 &&
		    g->has_ended) {
			g->z.next_in++;
			g->z.avail_in--;
		}
		if (g->z.avail_in > 0)
			break;
		if ((more = read_chunk(g, e)) == -1)
			return -1;
		if (more == 0)
			return g->has_ended ? 0 : set_cut_error(e);
	}
	if (inflateReset(&g->z) != Z_OK)
		return err_nomem(e);
	g->is_in_member = true;
	return 1;
}

static int
set_inflate_error(const struct gzip *g, int rc, struct err *e)
{
	if (rc == Z_MEM_ERROR)
		return err_nomem(e);
	if (g->has_ended && g->z.total_out == 0)
		return err_set(e, ERR_DATA, false, "something that is not gzip "
		    "follows the compressed data: the file is damaged");
	return err_set(e, ERR_DATA, false, "not valid gzip data (%s): the file "
	    "is damaged or is not compressed: compare it with its origin",
	    g->z.msg != NULL ? g->z.msg : "unknown cause");
}

static ssize_t
gzip_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct gzip *g = (struct gzip *)l;
	const unsigned most = n > 1 << 30 ? 1 << 30 : (unsigned)n;
	int rc;

	g->z.next_out = (unsigned char *)p;
	g->z.avail_out = most;
	while (g->z.avail_out == most) {
		if (!g->is_in_member && (rc = find_next_member(g, e)) <= 0)
			return rc;
		if (g->z.avail_in == 0 && (rc = read_chunk(g, e)) <= 0)
			return rc == -1 ? -1 : set_cut_error(e);
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END) {
			g->is_in_member = false;
			g->has_ended = true;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			return set_inflate_error(g, rc, e);
		}
	}
	return (ssize_t)(most - g->z.avail_out);
}

struct layer *
gzip_layer_open(struct layer *below, struct err *e)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g == NULL || inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		free(g);
		below->close(below);
		(void)err_nomem(e);
		return NULL;
	}
	g->layer = (struct layer){ gzip_read, gzip_close };
	g->below = below;
	return &g->layer;
}
