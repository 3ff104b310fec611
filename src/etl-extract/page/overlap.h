/* Finds the records of a page that the page before had too: with --paginate
 * since, a page begins with the last records of the page before. Records are
 * compared by their hashes. If the page before had a record twice, two equal
 * records of this page are found.
 * Owns:  the hashes of the stored page and of the page that is being read. */
#ifndef EXTRACT_OVERLAP_H
#define EXTRACT_OVERLAP_H

#include "base/errval.h"
#include "page/record_hash.h"

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
