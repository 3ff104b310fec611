#include "page/overlap.h"

#include <stdlib.h>
#include <string.h>

/* The hash function FNV-1a. If two records have the same hash,
 * find_untaken_record() still tells them apart, because it also compares
 * their bytes. */
static uint32_t
hash_record(const char *p, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619u;
	return h;
}

void
overlap_release(struct overlap *o)
{
	free(o->slot);
	*o = (struct overlap){ 0 };
}

static void
insert_record(struct overlap *o, const char *p, size_t n, bool top)
{
	uint32_t h = hash_record(p, n);
	size_t i = h & (o->n_slots - 1);

	while (o->slot[i].p != NULL)
		i = (i + 1) & (o->n_slots - 1);
	o->slot[i] = (struct overlap_slot){ p, n, h, top };
}

int
overlap_store_page(struct overlap *o, const struct body *b,
    uint64_t first_top_record, struct err *e)
{
	const struct json *j = &b->j;
	uint64_t n = body_count_records(b), k = 0;

	overlap_release(o);
	if (n == 0)
		return 0;
	for (o->n_slots = 16; o->n_slots < 2 * n; o->n_slots *= 2)
		continue;
	if ((o->slot = calloc(o->n_slots, sizeof(*o->slot))) == NULL) {
		o->n_slots = 0;
		return err_nomem(e);
	}
	for (uint32_t i = b->array + 1; i < j->tok[b->array].next;
	    i = j->tok[i].next)
		insert_record(o, j->text + j->tok[i].at, j->tok[i].len,
		    ++k >= first_top_record);
	return 0;
}

/* Returns a stored record with the same bytes, or NULL. Skips the records that
 * overlap_take_if_found() has already found. */
static struct overlap_slot *
find_untaken_record(const struct overlap *o, const char *p, size_t n)
{
	uint32_t h = hash_record(p, n);

	for (size_t i = h; o->n_slots > 0; i++) {
		struct overlap_slot *s = &o->slot[i & (o->n_slots - 1)];

		if (s->p == NULL)
			return NULL;
		if (s->hash == h && s->n == n && memcmp(s->p, p, n) == 0)
			return s;
	}
	return NULL;
}

bool
overlap_has_record_of_highest_value(
    const struct overlap *o, const char *p, size_t n)
{
	const struct overlap_slot *s = find_untaken_record(o, p, n);

	return s != NULL && s->top;
}

bool
overlap_take_if_found(struct overlap *o, const char *p, size_t n)
{
	struct overlap_slot *s = find_untaken_record(o, p, n);

	if (s == NULL)
		return false;
	s->n = 0;
	return true;
}
