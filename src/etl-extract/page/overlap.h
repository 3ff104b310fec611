/* Stores the records of a page, to find those that the next page repeats: with
 * --paginate since, a page begins with the last records of the page before.
 * Records are compared by their hashes. If a record is on the stored page
 * twice, it is found twice.
 * Owns:  the hashes of the stored page and of the page that is read. */
#ifndef EXTRACT_OVERLAP_H
#define EXTRACT_OVERLAP_H

#include "base/errval.h"
#include "page/record_hash.h"

struct overlap_slot {
	struct record_hash hash;
	bool is_used, is_taken;
	bool top;               /* see overlap_store_page() */
};

struct overlap {
	struct overlap_slot *slot;
	size_t n_slots;         /* a power of two, or 0 */
	struct record_hash *page;       /* the records of this page so far */
	size_t n, cap;
	bool has_top;           /* this page has a top record of the stored
				 * page */
};

/* Adds a record to this page. Sets *found if an equal record is stored, which
 * is then not found again. */
int overlap_add_and_find(struct overlap *o, struct record_hash record,
    bool *found, struct err *e);
/* Stores this page in place of the page before, and starts a new page. Its
 * records from number `first_top_record` on, counted from 1, are its top
 * records. The caller passes the number of the record that last raised the
 * highest cursor value. */
int overlap_store_page(
    struct overlap *o, uint64_t first_top_record, struct err *e);
void overlap_release(struct overlap *o);

#endif
