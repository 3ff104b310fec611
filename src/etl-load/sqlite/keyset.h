/* The keys of a chunk, compared byte by byte.
 * Owns:  copies of the keys; keyset_release() frees them.
 * Gives: keyset_add() the value stored with an equal key, or NULL where the
 *        key is new (then it has been added with value). As long as keys
 *        ascend, each is new, and nothing is hashed.
 * Fails: keyset_add() sets *nomem. */
#ifndef LOAD_KEYSET_H
#define LOAD_KEYSET_H

#include "base/buf.h"

#include <stdint.h>

struct keyset_entry {
	size_t at, len;
	uint32_t hash, value;
};

struct keyset {
	struct buf bytes;
	struct keyset_entry *v;
	size_t n, room;
	uint32_t *slots;                /* entry + 1, 0 free */
	size_t cap;                     /* a power of two, >= 2 n */
	bool hashed;
	uint64_t seed;
};

void keyset_init(struct keyset *k);
void keyset_release(struct keyset *k);
void keyset_clear(struct keyset *k);
/* The key is what was appended to k->bytes since `at`. */
uint32_t *keyset_add(struct keyset *k, size_t at, uint32_t value,
    bool *nomem);

#endif
