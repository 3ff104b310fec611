/* Keys of records: sets of keys, and the hash of a key. */
#ifndef LOAD_KEYS_H
#define LOAD_KEYS_H

#include "base/buf.h"
#include "row.h"

#include <stdint.h>

/* A set of keys (byte strings), each with a value.
 * Owns:  copies of the keys; keyset_release() frees them.
 * Gives: keyset_add() returns the value of the equal key in the set. If there
 *        is none, it adds the key with `value` and returns NULL. As long as
 *        each key is greater than the one before, it must be new: the set then
 *        computes no hash.
 * Fails: keyset_add() sets *nomem. */

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

/* The hash of a record's key, for --connections: values that the server treats
 * as equal have the same hash, however the records write them.
 * Owns:  the list of columns; key_hash_close() frees it.
 * Gives: only key columns whose equality is known are in the hash: integers,
 *        text, varchar and uuid. key_hash_make(): see enum key_hash_result.
 * Fails: key_hash_open(): ERR_CONFIG if the key has no such column. */

struct key_hash {
	const struct target *target;
	struct shape columns;
};

enum key_hash_result {
	KEY_HASH_FAILED = -1,
	KEY_HASH_NONE,          /* the key cannot be read, or no row can have
	                         * it: the record will be rejected */
	KEY_HASH_MADE,
	KEY_HASH_UNSURE         /* the server may read the value as another
	                         * spelling of a key, such as "0x10" for 16 */
};

int key_hash_open(struct key_hash *k, const struct target *t, struct err *e);
void key_hash_close(struct key_hash *k);
/* Computes the hash of the record's key. Overwrites r->json, r->value and
 * *scratch. */
enum key_hash_result key_hash_make(const struct key_hash *k, struct reader *r,
    const struct line *l, struct buf *scratch, uint64_t *hash, struct err *e);

#endif
