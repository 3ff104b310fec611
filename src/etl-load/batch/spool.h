/* The lines of a batch, kept so that it can be done again.
 * Owns:  one chunk in memory; earlier ones are in a temporary file that has
 *        no name, in TMPDIR. spool_release() frees both.
 * Gives: spool_rewind(), then spool_next(): 1 a chunk in items and data, 0 no
 *        more, -1 failed. A batch of one chunk never touches a file. A
 *        chunk that was in the file is in memory until the next call only.
 * Fails: ERR_IO, ERR_CREATE. */
#ifndef LOAD_SPOOL_H
#define LOAD_SPOOL_H

#include "base/buf.h"
#include "stream/lines.h"

#include <sys/types.h>

enum {
	SPOOL_CHUNK = 8 << 20,          /* bytes that end a chunk; a line of so
	                                 * many goes to the file at once */
	SPOOL_LARGE = 12 << 20          /* a buffer of more is not kept */
};

enum item_kind { ITEM_RECORD, ITEM_REJECT };

struct item {
	size_t at, len;                 /* in data */
	uint64_t number, offset, bytes;
	enum item_kind kind;
	bool too_long;                  /* its hash follows in data */
};

struct spool {
	struct buf data;
	struct item *items;
	size_t n, cap;
	uint64_t total;                 /* items in all chunks */
	int fd;
	off_t end, read;
	bool open, given, sealed;
	bool large;                     /* the last one was such a line */
};

/* A place in a batch: what was added after it can be dropped. */
struct spool_edge {
	size_t n, len;
	uint64_t total;
	off_t end;
};

void spool_init(struct spool *s);
void spool_release(struct spool *s);
void spool_clear(struct spool *s);              /* a new batch */
int spool_add(struct spool *s, enum item_kind kind, const struct line *l,
    struct err *e);
/* A line that was appended to data, from at on. */
int spool_made(struct spool *s, size_t at, uint64_t number, struct err *e);
bool spool_full(const struct spool *s, size_t most);    /* the chunk */
int spool_spill(struct spool *s, struct err *e);        /* to the file */
struct spool_edge spool_edge(const struct spool *s);
/* Before the first spool_rewind(). */
int spool_cut(struct spool *s, const struct spool_edge *at, struct err *e);
int spool_rewind(struct spool *s, struct err *e);
int spool_next(struct spool *s, struct err *e);
/* The item's line, as stage_next() gave it. */
struct line spool_line(const struct spool *s, size_t i);

#endif
