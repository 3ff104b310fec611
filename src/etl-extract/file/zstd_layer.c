#include "file/layer.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct zstd {
	struct layer layer;
	struct layer *below;
	ZSTD_DStream *stream;
	size_t first_step, step; /* bytes to decode at once: up to the end of
				 * a block */
	size_t at, end;         /* bytes of chunk that are not decoded */
	bool is_in_frame;       /* a frame has begun and has not ended */
	bool has_frame;         /* one frame was read */
	bool has_filled;        /* the last call filled its whole output, so the
				 * decoder may have more */
	char chunk[LAYER_CHUNK];
};

static void
zstd_close(struct layer *l)
{
	struct zstd *z = (struct zstd *)l;

	(void)ZSTD_freeDStream(z->stream);
	z->below->close(z->below);
	free(z);
}

static int
fail_zstd(const struct zstd *z, size_t rc, struct err *e)
{
	if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
		return err_nomem(e);
	if (z->has_frame && !z->is_in_frame)
		return err_set(e, ERR_DATA, false, "something that is not "
		    "Zstandard follows the compressed data: the file is "
		    "damaged");
	return err_set(e, ERR_DATA, false, "not valid Zstandard data (%s): the "
	    "file is damaged or is not compressed: compare it with its origin",
	    ZSTD_getErrorName(rc));
}

/* Returns 1 if it has read some bytes, 0 at the end of the file. Fails if the
 * file ends in the middle of the compressed data. */
static int
read_zstd_chunk(struct zstd *z, struct err *e)
{
	ssize_t n = z->below->read(z->below, z->chunk, sizeof(z->chunk), e);

	if (n == -1)
		return -1;
	z->at = 0;
	z->end = (size_t)n;
	if (n == 0 && (z->is_in_frame || !z->has_frame))
		return err_set(e, ERR_IO, false, "the compressed data "
		    "(Zstandard) ends early: the file was cut: fetch it again");
	return n > 0;
}

/* Decodes at most one block. If ZSTD_decompressStream() fails, the bytes that
 * it has decoded in that call are lost. With one block a call, all blocks
 * before the fault are kept. */
static int
decode_block(struct zstd *z, ZSTD_outBuffer *out, struct err *e)
{
	const size_t left = z->end - z->at;
	ZSTD_inBuffer in = { z->chunk + z->at,
	    left < z->step ? left : z->step, 0 };
	size_t rc = ZSTD_decompressStream(z->stream, out, &in);

	if (ZSTD_isError(rc))
		return fail_zstd(z, rc, e);
	z->at += in.pos;
	z->step = rc != 0 ? rc : z->first_step;
	z->is_in_frame = rc != 0;
	z->has_frame |= rc == 0;
	z->has_filled = out->pos == out->size && rc != 0;
	return 0;
}

static ssize_t
zstd_read(struct layer *l, char *p, size_t n, struct err *e)
{
	struct zstd *z = (struct zstd *)l;
	ZSTD_outBuffer out = { p, n, 0 };
	int more;

	while (out.pos == 0) {
		if (z->at == z->end && !z->has_filled &&
		    (more = read_zstd_chunk(z, e)) <= 0)
			return more;
		if (decode_block(z, &out, e) == -1)
			return -1;
	}
	return (ssize_t)out.pos;
}

struct layer *
zstd_layer_open(struct layer *below, struct err *e)
{
	struct zstd *z = calloc(1, sizeof(*z));

	if (z == NULL || (z->stream = ZSTD_createDStream()) == NULL) {
		free(z);
		below->close(below);
		(void)err_nomem(e);
		return NULL;
	}
	z->first_step = z->step = ZSTD_initDStream(z->stream);
	z->layer = (struct layer){ zstd_read, zstd_close };
	z->below = below;
	return &z->layer;
}
