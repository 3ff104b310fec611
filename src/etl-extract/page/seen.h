/* What came before: the records of the page before, and the cursors (or URLs)
 * of all pages of a run. All of them are remembered by their hashes. */
#ifndef EXTRACT_SEEN_H
#define EXTRACT_SEEN_H

#include "base/buf.h"
#include "stream/lines.h"

#include <stddef.h>
#include <stdint.h>

/* Remembers the cursors (or URLs) of the pages of a run, to find a loop.
 * Memory: at most 1 MiB for any number of pages: two hash tables have 64 bits
 *         of the SHA-256 of each of the last 32,768 to 65,536 cursors. A loop
 *         over more pages is found by Brent's algorithm, which remembers one
 *         more cursor: it finds the loop when its pages are repeated.
 * Source: R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT,
 *         1980. */

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

/* A 128-bit hash of a record, to detect a page or a record that came before.
 * Two different records practically never have the same hash by chance. The
 * hash is not cryptographic: a service could construct two records with the
 * same hash, but it could as well leave records out. */

struct record_hash {
	uint64_t a, b;
};

struct record_hash record_hash(const struct line *record);
/* Updates *all, the hash of a list of records, with the hash of the next
 * record. Start with 0. */
void record_hash_add(struct record_hash *all, struct record_hash next);
bool record_hash_equals(struct record_hash x, struct record_hash y);

/* Detects a page that has exactly the records of the page before. As long as
 * the records of a page equal the first ones of the page before, they are held
 * back. So if the page is a repetition, its records are not written twice. At
 * most 1,000 records and 256 KiB are held back: if a page is longer, its start
 * is written before the repetition is detected.
 * Owns:  the hashes of two pages, the held records. */

struct page_hashes {
	struct record_hash *first;      /* of the first records */
	struct record_hash all;
	uint64_t n;                     /* of all records */
};

struct page_repeat {
	struct page_hashes before, page;
	bool differs;           /* this page differs from the page before */
	struct buf held;        /* the bytes of the held records */
	struct line *line;      /* the held records, without data */
	size_t n_held, next;    /* next: index of the next to return */
	size_t at;              /* offset of its bytes in held */
};

int page_repeat_init(struct page_repeat *r, struct err *e);
void page_repeat_release(struct page_repeat *r);
/* Adds a record of this page, and its hash. Returns true if it was held back.
 * If it returns false, the held records must be written before this one. */
bool page_repeat_add(struct page_repeat *r, const struct line *record,
    struct record_hash hash);
/* Sets *record to the next held record. Returns false if there is no more. */
bool page_repeat_take_held(struct page_repeat *r, struct line *record);
/* Called at the end of a page. Returns true if the page has exactly the records
 * of the page before. In any case starts a new page. */
bool page_repeat_end(struct page_repeat *r);

/* Finds the records of a page that the page before had too: with --paginate
 * since, a page begins with the last records of the page before. Records are
 * compared by their hashes. If the page before had a record twice, two equal
 * records of this page are found.
 * Owns:  the hashes of the stored page and of the page that is being read. */

struct overlap_slot {
	struct record_hash hash;
	bool is_used, is_taken;
	bool top;               /* see overlap_end_page() */ };

struct overlap {
	struct overlap_slot *slot;
	size_t n_slots;         /* a power of two, or 0 */
	struct record_hash *page;       /* the records of this page so far */
	size_t n, cap;
	bool has_top;           /* this page has a top record of the stored
				 * page */
};

/* Adds a record to this page. Sets *found if the stored page has an equal
 * record that no earlier call has found. */
int overlap_add(struct overlap *o,
    struct record_hash record, bool *found, struct err *e);
/* Stores this page in place of the page before, and starts a new page. The top
 * records of the stored page are those from number `first_top_record` on,
 * counted from 1. The caller passes the number of the record that last raised
 * the highest cursor value, so the next page must repeat a top record. */
int overlap_end_page(struct overlap *o, uint64_t first_top_record,
    struct err *e);
void overlap_release(struct overlap *o);

#endif
