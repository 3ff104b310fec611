/* Remembers the records of a page, to find those that the next page has again:
 * with --paginate since, a page begins with the last records of the page
 * before. Records are compared byte for byte. A record that was on the page
 * twice is found twice.
 * Borrows: the text of the page, until the next overlap_store_page(). */
#ifndef EXTRACT_OVERLAP_H
#define EXTRACT_OVERLAP_H

#include "page/body.h"

struct overlap_slot {
	const char *p;          /* the record, NULL if the slot is free */
	size_t n;               /* its length, 0 if it has been taken */
	uint32_t hash;
	bool top;
};
struct overlap {
	struct overlap_slot *slot;
	size_t n_slots;         /* a power of two, or 0 */
};

/* Replaces the remembered page. Its records from number `top` on (1, 2, ...)
 * are its top records: the caller counts from the highest cursor value. */
int overlap_store_page(struct overlap *o, const struct body *b, uint64_t top,
    struct err *e);
/* True if an equal top record is remembered and has not been taken. */
bool overlap_has_top_record(const struct overlap *o, const char *p, size_t n);
/* Finds an equal record and removes it, so that it is not found again. */
bool overlap_take_record(struct overlap *o, const char *p, size_t n);
void overlap_release(struct overlap *o);

#endif
