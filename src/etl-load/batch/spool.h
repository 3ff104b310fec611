/* Keeps the lines of a batch, so that a failed transaction can be repeated.
 * Owns:  the last chunk of lines in memory; earlier chunks are in an unnamed
 *        temporary file in TMPDIR. spool_release() frees both.
 * Gives: call spool_rewind(), then spool_next_chunk() for each chunk: 1 the
 *        chunk is in items and data until the next call, 0 no chunk is left, -1
 *        failed. A batch of one chunk is never written to the file.
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

enum item_kind {
	ITEM_RECORD, ITEM_REJECT,
	ITEM_LEFT_RECORD, ITEM_LEFT_REJECT      /* of a letter that stays open
	                                         * (commit/late_letters.h) */
};

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
	off_t end, read;                /* the file's size; where the next chunk
	                                 * is read */
	bool open;
	bool given;                     /* spool_next_chunk() has returned
	                                 * the only chunk, the one in memory */
	bool sealed; /* spool_rewind() was called: no line
		      * can be added */
	bool large;                     /* the last line was longer than
	                                 * SPOOL_CHUNK: it is in the file */
};

/* A position between two lines of a batch; spool_cut() removes all lines after
 * this position. */
struct spool_position {
	size_t n, len;
	uint64_t total;
	off_t end;
};

void spool_init(struct spool *s);
void spool_release(struct spool *s);
void spool_clear(struct spool *s);              /* start a new batch */
int spool_add(struct spool *s, enum item_kind kind, const struct line *l,
    struct err *e);
/* Adds the bytes that the caller has appended to s->data, from offset `at` to
 * the end, as one line. */
int spool_add_appended(struct spool *s, size_t at, uint64_t number,
    struct err *e);
/* True if the chunk in memory has at least SPOOL_CHUNK bytes or at least `most`
 * lines. */
bool spool_is_full(const struct spool *s, size_t most);
/* Writes the chunk in memory to the file. */
int spool_write_chunk(struct spool *s, struct err *e);
/* The position after the last line. */
struct spool_position spool_get_end(const struct spool *s);
/* Removes all lines after the position *at. May be called only before the first
 * spool_rewind(). */
int spool_cut(struct spool *s, const struct spool_position *at, struct err *e);
/* The first call also ends the adding of lines. */
int spool_rewind(struct spool *s, struct err *e);
int spool_next_chunk(struct spool *s, struct err *e);
/* Returns item i of the chunk as a struct line, like the one from which it was
 * added. */
struct line spool_get_line(const struct spool *s, size_t i);

#endif
