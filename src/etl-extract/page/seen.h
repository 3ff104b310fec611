/* Remembers the cursors (or URLs) of the pages of a run, to find a loop.
 * Memory: at most 1 MiB for any number of pages: two hash tables have 64 bits
 *         of the SHA-256 of each of the last 32,768 to 65,536 cursors. A loop
 *         over more pages is found by Brent's algorithm, which remembers one
 *         more cursor: it finds the loop when its pages are repeated.
 * Source: R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT,
 *         1980. */
#ifndef EXTRACT_SEEN_H
#define EXTRACT_SEEN_H

#include "base/errval.h"

#include <stddef.h>
#include <stdint.h>

enum { SEEN_MOST = 32768, SEEN_SLOTS = 2 * SEEN_MOST };

struct seen {
	uint64_t *recent, *older;       /* SEEN_SLOTS hashes; 0: a free slot */
	size_t n_recent;
	uint64_t count;         /* cursors so far */
	uint64_t kept;          /* of Brent's algorithm: the hash of a cursor */
	uint64_t next_kept;     /* kept is replaced when count is this */
};

/* Returns 1 if the cursor came before. Otherwise remembers it and returns 0. */
int seen_add(struct seen *s, const void *cursor, size_t n, struct err *e);
void seen_release(struct seen *s);

#endif
