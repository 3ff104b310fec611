/* A set of keys (byte strings), each with a value.
 * Owns:  copies of the keys; keyset_release() frees them.
 * Gives: keyset_add() returns the value of the equal key in the set. If there
 *        is none, it adds the key with `value` and returns NULL. As long as
 *        each key is greater than the one before, it must be new: the set then
 *        computes no hash.
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
	uint32_t *slots;                /* hash table: number of the entry + 1,
	                                 * 0 if free */
	size_t cap;                     /* of slots: a power of two, >= 2 n */
	bool hashed;
	uint64_t seed;
};

void keyset_init(struct keyset *k);
void keyset_release(struct keyset *k);
void keyset_clear(struct keyset *k);
/* Adds or finds the key that the caller has appended to k->bytes, from offset
 * `at` to the end. */
uint32_t *keyset_add(struct keyset *k, size_t at, uint32_t value, bool *nomem);
/* Adds the key with the value 0 if it is new. Returns the address of the key's
 * value, or NULL with *e. */
uint32_t *keyset_value(struct keyset *k, const char *p, size_t len,
    struct err *e);

#endif
