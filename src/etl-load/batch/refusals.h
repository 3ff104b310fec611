/* The records of a batch that were refused, each with the reason.
 * Owns:  copies of the texts; refusals_release() frees them.
 * Borrows: the code of each reason, which must be a constant.
 * Gives: refusals_sort() orders the refusals by item. Then refusals_get() gives
 *        the reason, whose texts are valid until the next refusals_add(). */
#ifndef LOAD_REFUSALS_H
#define LOAD_REFUSALS_H

#include "base/buf.h"
#include "stream/reject.h"

struct refusal {
	uint64_t item;
	const char *code;
	size_t message, pointer, sqlstate;      /* offset in texts, or 0 */
};

struct refusals {
	struct refusal *v;
	size_t n, room;
	struct buf texts;
	bool unordered;         /* an item was added after a greater one */
};

void refusals_init(struct refusals *r);
void refusals_release(struct refusals *r);
void refusals_clear(struct refusals *r);
int refusals_add(struct refusals *r, uint64_t item, const struct reject *why,
    struct err *e);
void refusals_sort(struct refusals *r);
struct reject refusals_get(const struct refusals *r, size_t i);
/* Returns NULL if the item was not refused. Call refusals_sort() before. */
const struct refusal *refusals_find(const struct refusals *r, uint64_t item);

#endif
