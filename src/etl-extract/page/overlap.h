/* Pages that begin with what the one before ended with: which records of a
 * page came on the one before, byte for byte, each as often as it did.
 * Borrows: the texts of the page before, until the next overlap_fill(). */
#ifndef EXTRACT_OVERLAP_H
#define EXTRACT_OVERLAP_H

#include "page/body.h"

struct overlap_slot {
	const char *p;          /* NULL: free */
	size_t n;               /* 0: was taken */
	uint32_t hash;
	bool top;
};
struct overlap {
	struct overlap_slot *slot;
	size_t cap;             /* a power of two, or 0 */
};

/* Records from number top on (1, 2, ...) are those that overlap_has() means. */
int overlap_fill(struct overlap *o, const struct body *b, uint64_t top,
    struct err *e);
bool overlap_has(const struct overlap *o, const char *p, size_t n);
bool overlap_take(struct overlap *o, const char *p, size_t n);
void overlap_release(struct overlap *o);

#endif
