/* Stores the records of a page, to find those that the next page repeats: with
 * --paginate since, a page begins with the last records of the page before.
 * Records are compared byte for byte. If a record is on the stored page twice,
 * it is found twice.
 * Borrows: the text of the page, until the next overlap_store_page(). */
#ifndef EXTRACT_OVERLAP_H
#define EXTRACT_OVERLAP_H

#include "page/body.h"

struct overlap_slot {
	const char *p;          /* the record, NULL if the slot is free */
	size_t n;               /* length of the record; 0 after
				 * overlap_take_if_found() */
	uint32_t hash;
	bool top;               /* see overlap_store_page() */
};
struct overlap {
	struct overlap_slot *slot;
	size_t n_slots;         /* a power of two, or 0 */
};

/* Stores the records of this page in place of those of the page before. The
 * records from number `first_top_record` on, counted from 1, are its top
 * records. The caller passes the number of the record that last raised the
 * highest cursor value. */
int overlap_store_page(struct overlap *o, const struct body *b,
    uint64_t first_top_record, struct err *e);
/* True if an equal top record is stored and is not marked as taken. */
bool overlap_has_record_of_highest_value(
    const struct overlap *o, const char *p, size_t n);
/* If an equal record is stored, marks it as taken, so that it is not found
 * again, and returns true. */
bool overlap_take_if_found(struct overlap *o, const char *p, size_t n);
void overlap_release(struct overlap *o);

#endif
