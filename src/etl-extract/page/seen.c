#include "page/seen.h"

#include "base/hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Returns the hash, and never 0, which marks a free slot. */
static uint64_t
hash_cursor(const void *p, size_t n)
{
	char hex[HASH_HEX];
	uint64_t h;

	hash_bytes(p, n, hex);
	hex[16] = '\0';
	h = strtoull(hex, NULL, 16);
	return h == 0 ? 1 : h;
}

/* Returns the slot of the hash, or the free slot where it belongs. At most half
 * of the slots are used, so there is a free one. */
static size_t
find_slot(const uint64_t *table, uint64_t hash)
{
	size_t i = hash % SEEN_SLOTS;

	while (table[i] != 0 && table[i] != hash)
		i = (i + 1) % SEEN_SLOTS;
	return i;
}

static bool
has_hash(const uint64_t *table, uint64_t hash)
{
	return table != NULL && table[find_slot(table, hash)] == hash;
}

int
seen_add(struct seen *s, const void *cursor, size_t n, struct err *e)
{
	uint64_t hash = hash_cursor(cursor, n);

	if (hash == s->kept || has_hash(s->recent, hash) ||
	    has_hash(s->older, hash))
		return 1;
	/* If the recent table is full, make it the older one and forget the
	 * older one. */
	if (s->recent == NULL || s->n_recent == SEEN_MOST) {
		free(s->older);
		s->older = s->recent;
		s->n_recent = 0;
		s->recent = calloc(SEEN_SLOTS, sizeof(*s->recent));
		if (s->recent == NULL)
			return err_nomem(e);
	}
	s->recent[find_slot(s->recent, hash)] = hash;
	s->n_recent++;
	if (s->count++ == s->next_kept) {
		s->kept = hash;
		s->next_kept = 2 * s->next_kept + 1;
	}
	return 0;
}

void
seen_release(struct seen *s)
{
	free(s->recent);
	free(s->older);
	memset(s, 0, sizeof(*s));
}

/* Odd numbers with well mixed bits: the fractions of the golden ratio and of
 * the square root of 2. */
static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
static const uint64_t root = UINT64_C(0x6a09e667f3bcc909);

static inline uint64_t
mix(uint64_t h, uint64_t word, uint64_t factor)
{
	h = (h ^ word) * factor;
	return h ^ (h >> 29);
}

static void
mix_word(struct record_hash *h, uint64_t word)
{
	h->a = mix(h->a, word, golden);
	h->b = mix(h->b, word, root);
}

/* Adds the length n and the bytes at p to the hash. */
static void
add_sized_bytes(struct record_hash *h, const char *p, size_t n)
{
	uint64_t word;

	mix_word(h, n);
	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		mix_word(h, word);
	}
	word = 0;
	memcpy(&word, p, n);
	mix_word(h, word);
	mix_word(h, golden);
}

struct record_hash
record_hash(const struct line *record)
{
	struct record_hash h = { root, golden };

	add_sized_bytes(&h, record->data, record->len);
	if (record->too_long)
		add_sized_bytes(&h, record->sha256, HASH_HEX - 1);
	return h;
}

void
record_hash_add(struct record_hash *all, struct record_hash next)
{
	mix_word(all, next.a);
	mix_word(all, next.b);
}

bool
record_hash_equals(struct record_hash x, struct record_hash y)
{
	return x.a == y.a && x.b == y.b;
}

enum { HELD_MAX = 256 << 10, RECORDS_MAX = 1000 };

int
page_repeat_init(struct page_repeat *r, struct err *e)
{
	*r = (struct page_repeat){ .differs = true };
	buf_init(&r->held, HELD_MAX);
	r->before.first = calloc(RECORDS_MAX, sizeof(*r->before.first));
	r->page.first = calloc(RECORDS_MAX, sizeof(*r->page.first));
	r->line = calloc(RECORDS_MAX, sizeof(*r->line));
	return r->before.first != NULL && r->page.first != NULL &&
	    r->line != NULL ? 0 : err_nomem(e);
}

void
page_repeat_release(struct page_repeat *r)
{
	free(r->before.first);
	free(r->page.first);
	free(r->line);
	buf_release(&r->held);
}

bool
page_repeat_add(struct page_repeat *r, const struct line *record,
    struct record_hash h)
{
	/* The page before has a record with this hash at the same place. */
	bool holds = !r->differs && r->page.n < RECORDS_MAX &&
	    r->page.n < r->before.n &&
	    record_hash_equals(r->before.first[r->page.n], h);

	record_hash_add(&r->page.all, h);
	if (r->page.n < RECORDS_MAX)
		r->page.first[r->page.n] = h;
	r->page.n++;
	if (holds) {
		buf_add(&r->held, record->data, record->len);
		holds = !r->held.failed;
		r->held.failed = r->held.full = false;
	}
	r->differs |= !holds;
	if (holds)
		r->line[r->n_held++] = *record;
	return holds;
}

bool
page_repeat_take_held(struct page_repeat *r, struct line *record)
{
	if (r->next == r->n_held) {
		r->next = r->n_held = r->at = 0;
		buf_clear(&r->held);
		return false;
	}
	*record = r->line[r->next++];
	record->data = r->held.data + r->at;
	r->at += record->len;
	return true;
}

bool
page_repeat_end(struct page_repeat *r)
{
	const struct page_hashes before = r->before;
	const bool is_repeated = r->page.n > 0 && r->page.n == before.n &&
	    record_hash_equals(r->page.all, before.all);

	r->before = r->page;
	r->page = (struct page_hashes){ .first = before.first };
	r->differs = false;
	return is_repeated;
}

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
	for (size_t i = 0; i < o->n; i++) {
		size_t at = o->page[i].a & (o->n_slots - 1);

		while (o->slot[at].is_used)
			at = (at + 1) & (o->n_slots - 1);
		o->slot[at] = (struct overlap_slot){
		    o->page[i], true, false, i + 1 >= first_top_record };
	}
	o->n = 0;
	o->has_top = false;
	return 0;
}
