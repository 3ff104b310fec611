#include "batch/keyset.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

void
keyset_init(struct keyset *k)
{
	char hex[17];

	*k = (struct keyset){ 0 };
	buf_init(&k->bytes, SIZE_MAX / 2);
	random_hex(hex, 16);
	hex[16] = '\0';
	k->seed = strtoull(hex, NULL, 16) | 1;
}

void
keyset_release(struct keyset *k)
{
	buf_release(&k->bytes);
	free(k->v);
	free(k->slots);
	*k = (struct keyset){ 0 };
}

void
keyset_clear(struct keyset *k)
{
	buf_clear(&k->bytes);
	k->n = 0;
	k->hashed = false;
}

/* A multiplicative hash with a random seed, so that nobody can prepare input
 * whose keys all fall into one slot. */
static uint32_t
hash_key(const struct keyset *k, const char *p, size_t n)
{
	uint64_t h = k->seed ^ n, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0x9fb21c651e98df25;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, n);
	h = (h ^ w) * 0x9fb21c651e98df25;
	h ^= h >> 29;
	h *= k->seed;
	return (uint32_t)(h >> 32);
}

/* Returns the slot of the hash table that holds the key, or, if the key is not
 * in the table, the free slot for this key. */
static uint32_t *
find_slot(const struct keyset *k, uint32_t h, const char *p, size_t n)
{
	for (size_t i = h & (k->cap - 1);; i = (i + 1) & (k->cap - 1)) {
		uint32_t at = k->slots[i];
		const struct keyset_entry *e = &k->v[at - (at > 0)];

		if (at == 0 || (e->hash == h && e->len == n &&
		    memcmp(k->bytes.data + e->at, p, n) == 0))
			return &k->slots[i];
	}
}

/* Makes sure that the hash table has at least four slots for each key, and
 * enters all keys again. Returns false if memory ran out. */
static bool
rehash(struct keyset *k)
{
	size_t cap = k->cap ? k->cap : 1024;
	uint32_t *slots;

	while (cap < 4 * (k->n + 1))
		cap *= 2;
	if (cap > k->cap) {
		if ((slots = malloc(cap * sizeof(*slots))) == NULL)
			return false;
		free(k->slots);
		k->slots = slots;
		k->cap = cap;
	}
	memset(k->slots, 0, k->cap * sizeof(*k->slots));
	for (size_t i = 0; i < k->n; i++) {
		struct keyset_entry *e = &k->v[i];
		const char *p = k->bytes.data + e->at;

		e->hash = hash_key(k, p, e->len);
		*find_slot(k, e->hash, p, e->len) = (uint32_t)i + 1;
	}
	k->hashed = true;
	return true;
}

static bool
make_key_room(struct keyset *k)
{
	size_t n = k->room ? k->room * 2 : 1024;
	struct keyset_entry *v;

	if (k->n == k->room) {
		if ((v = realloc(k->v, n * sizeof(*v))) == NULL)
			return false;
		k->v = v;
		k->room = n;
	}
	return !k->hashed || 2 * (k->n + 1) <= k->cap || rehash(k);
}

/* Returns true if the key is greater than the key that was added last. */
static bool
is_ascending(const struct keyset *k, const char *p, size_t n)
{
	const struct keyset_entry *e;
	int d;

	if (k->n == 0)
		return true;
	e = &k->v[k->n - 1];
	d = memcmp(p, k->bytes.data + e->at, n < e->len ? n : e->len);
	return d > 0 || (d == 0 && n > e->len);
}

uint32_t *
keyset_add(struct keyset *k, size_t at, uint32_t value, bool *nomem)
{
	size_t n = k->bytes.len - at;
	const char *p = k->bytes.data + at;
	struct keyset_entry new = { .at = at, .len = n, .value = value };
	uint32_t *s = NULL;

	*nomem = k->bytes.failed || !make_key_room(k);
	if (!*nomem && !k->hashed && !is_ascending(k, p, n))
		*nomem = !rehash(k);
	if (*nomem)
		return NULL;
	if (k->hashed) {
		new.hash = hash_key(k, p, n);
		s = find_slot(k, new.hash, p, n);
		if (*s != 0) {
			k->bytes.len = at;
			return &k->v[*s - 1].value;
		}
		*s = (uint32_t)k->n + 1;
	}
	k->v[k->n++] = new;
	return NULL;
}

uint32_t *
keyset_value(struct keyset *k, const char *p, size_t len, struct err *e)
{
	size_t at = k->bytes.len;
	uint32_t *value;
	bool nomem;

	buf_add(&k->bytes, p, len);
	value = keyset_add(k, at, 0, &nomem);
	if (nomem)
		(void)err_nomem(e);
	return nomem ? NULL : value != NULL ? value : &k->v[k->n - 1].value;
}
