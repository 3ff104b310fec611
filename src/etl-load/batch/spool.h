/* Keeps the lines of a batch, so that a failed transaction can be repeated.
 * Owns:  the last chunk of lines in memory; earlier chunks are in an unnamed
 *        temporary file in TMPDIR. spool_release() frees both.
 * Gives: call spool_rewind(), then spool_next() for each chunk: 1 the chunk is
 *        in items and data until the next call, 0 no chunk is left, -1 failed.
 *        A batch of one chunk is never written to the file.
 * Fails: ERR_IO, ERR_CREATE. */
#ifndef LOAD_SPOOL_H
#define LOAD_SPOOL_H

#include "base/buf.h"
#include "stream/lines.h"

#include <sys/types.h>

enum {
	SPOOL_CHUNK = 8 << 20,          /* bytes; a chunk ends when it has so
	                                 * many, and a longer line is written
	                                 * to the file at once */
	SPOOL_LARGE = 12 << 20          /* bytes; a larger buffer is freed
	                                 * after use */
};

enum item_kind { ITEM_RECORD, ITEM_REJECT };

struct item {
	size_t at, len;                 /* place of the line in data */
	uint64_t number, offset, bytes; /* as in struct line */
	enum item_kind kind;
	bool too_long;                  /* its SHA-256 follows in data */
};

struct spool {
	struct buf data;
	struct item *items;
	size_t n, cap;
	uint64_t total;                 /* items in all chunks */
	int fd;                         /* the temporary file, if open */
	off_t end, read;                /* its size; where to read on */
	bool open;
	bool given;                     /* spool_next() gave the only chunk */
	bool sealed;                    /* nothing can be added any more */
	bool large;                     /* the last line was longer than
	                                 * SPOOL_CHUNK: it is in the file */
};

/* A place between two lines of a batch; spool_cut() drops all lines after
 * it. */
struct spool_edge {
	size_t n, len;
	uint64_t total;
	off_t end;
};

void spool_init(struct spool *s);
void spool_release(struct spool *s);
void spool_clear(struct spool *s);              /* start a new batch */
int spool_add(struct spool *s, enum item_kind kind, const struct line *l,
    struct err *e);
/* Makes an item of the bytes that the caller has appended to data from `at`
 * on. */
int spool_add_written(struct spool *s, size_t at, uint64_t number,
    struct err *e);
/* The chunk in memory has SPOOL_CHUNK bytes or at least `most` items. */
bool spool_chunk_full(const struct spool *s, size_t most);
/* Writes the chunk in memory to the file. */
int spool_write_chunk(struct spool *s, struct err *e);
struct spool_edge spool_edge(const struct spool *s);
/* Only before the first spool_rewind(). */
int spool_cut(struct spool *s, const struct spool_edge *at, struct err *e);
int spool_rewind(struct spool *s, struct err *e);
int spool_next(struct spool *s, struct err *e);
/* Item i of the present chunk as the line that stage_next() gave. */
struct line spool_line(const struct spool *s, size_t i);

#endif
