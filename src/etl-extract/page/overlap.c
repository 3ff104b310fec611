#include "page/overlap.h"

#include <stdlib.h>

void
overlap_release(struct overlap *o)
{
	free(o->slot);
	free(o->page);
	*o = (struct overlap){ 0 };
}

/* Returns a stored record with the same hash that was not found before, or
 * NULL. */
static struct overlap_slot *
find_untaken(const struct overlap *o, struct record_hash h)
{
	for (size_t i = h.a; o->n_slots > 0; i++) {
		struct overlap_slot *s = &o->slot[i & (o->n_slots - 1)];

		if (!s->is_used)
			break;
		if (!s->is_taken && record_hash_equals(s->hash, h))
			return s;
	}
	return NULL;
}

int
overlap_add(struct overlap *o, struct record_hash record,
    bool *found, struct err *e)
{
	struct overlap_slot *s = find_untaken(o, record);
	struct record_hash *more;

	*found = s != NULL;
	if (s != NULL) {
		s->is_taken = true;
		o->has_top |= s->top;
	}
	if (o->n == o->cap) {
		o->cap = o->cap == 0 ? 64 : 2 * o->cap;
		more = reallocarray(o->page, o->cap, sizeof(*more));
		if (more == NULL)
			return err_nomem(e);
		o->page = more;
	}
	o->page[o->n++] = record;
	return 0;
}

static void
insert_record(struct overlap *o, struct record_hash h, bool top)
{
	size_t i = h.a & (o->n_slots - 1);

	while (o->slot[i].is_used)
		i = (i + 1) & (o->n_slots - 1);
	o->slot[i] = (struct overlap_slot){ h, true, false, top };
}

int
overlap_end_page(struct overlap *o, uint64_t first_top_record, struct err *e)
{
	free(o->slot);
	o->slot = NULL;
	for (o->n_slots = 16; o->n_slots < 2 * o->n; o->n_slots *= 2)
		continue;
	if ((o->slot = calloc(o->n_slots, sizeof(*o->slot))) == NULL) {
		o->n_slots = 0;
		return err_nomem(e);
	}
	for (size_t i = 0; i < o->n; i++)
		insert_record(o, o->page[i], i + 1 >= first_top_record);
	o->n = 0;
	o->has_top = false;
	return 0;
}
