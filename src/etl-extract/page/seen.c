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

/* If the recent table is full, makes it the older one and forgets the older
 * one. */
static int
rotate_tables(struct seen *s, struct err *e)
{
	if (s->recent != NULL && s->n_recent < SEEN_MOST)
		return 0;
	free(s->older);
	s->older = s->recent;
	s->n_recent = 0;
	s->recent = calloc(SEEN_SLOTS, sizeof(*s->recent));
	return s->recent == NULL ? err_nomem(e) : 0;
}

int
seen_add(struct seen *s, const void *cursor, size_t n, struct err *e)
{
	uint64_t hash = hash_cursor(cursor, n);

	if (hash == s->kept || has_hash(s->recent, hash) ||
	    has_hash(s->older, hash))
		return 1;
	if (rotate_tables(s, e) == -1)
		return -1;
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
