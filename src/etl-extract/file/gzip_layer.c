#include "file/layer.h"

#include "gunzip.h"

#include <stdlib.h>

struct gzip {
	struct layer layer;
	struct layer *below;
	struct gunzip *decoder;
	size_t at, end;         /* bytes of chunk that are not decoded */
	char chunk[LAYER_CHUNK];
};

static void
gzip_close(struct layer *l)
{
	struct gzip *g = (struct gzip *)l;

	gunzip_free(g->decoder);
	g->below->close(g->below);
	free(g);
}

/* Returns 1 if it has read some bytes, 0 at the end of the file. Fails if the
 * file ends in the middle of the compressed data. */
static int
read_gzip_chunk(struct gzip *g, struct err *e)
{
	ssize_t n = g->below->read(g->below, g->chunk, sizeof(g->chunk), e);

	if (n == -1)
		return -1;
	g->at = 0;
	g->end = (size_t)n;
	if (n == 0 && !gunzip_is_complete(g->decoder))
		return err_set(e, ERR_IO, false, "the compressed data (gzip) "
		    "ends early: the file was cut: fetch it again");
	return n > 0;
}

static int
fail_gzip(const struct gzip *g, enum gunzip_result r, struct err *e)
{
	if (r == GUNZIP_NO_MEMORY)
		return err_nomem(e);
	if (r == GUNZIP_NO_MEMBER)
		return err_set(e, ERR_DATA, false, "something that is not gzip "
		    "follows the compressed data: the file is damaged");
	return err_set(e, ERR_DATA, false, "not valid gzip data (%s): the file "
	    "is damaged or is not compressed: compare it with its origin",
	    gunzip_why_damaged(g->decoder));
}

static ssize_t
gzip_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct gzip *g = (struct gzip *)l;
	enum gunzip_result r;
	size_t used, made = 0;
	int more;

	while (made == 0) {
		if (g->at == g->end && !gunzip_has_more(g->decoder) &&
		    (more = read_gzip_chunk(g, e)) <= 0)
			return more;
		r = gunzip_decode(g->decoder, g->chunk + g->at, g->end - g->at,
		    &used, p, n, &made);
		if (r != GUNZIP_OK && made == 0)
			return fail_gzip(g, r, e);
		g->at += used;
	}
	return (ssize_t)made;
}

struct layer *
gzip_layer_open(struct layer *below, struct err *e)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (g == NULL || (g->decoder = gunzip_new()) == NULL) {
		free(g);
		below->close(below);
		(void)err_nomem(e);
		return NULL;
	}
	g->layer = (struct layer){ gzip_read, gzip_close };
	g->below = below;
	return &g->layer;
}
