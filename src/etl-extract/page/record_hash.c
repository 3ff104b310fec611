#include "page/record_hash.h"

#include <string.h>

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
