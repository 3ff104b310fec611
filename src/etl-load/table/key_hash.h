/* The hash of a record's key, for --connections: values that the server treats
 * as equal have the same hash, however the records write them.
 * Owns:  the list of columns; key_hash_close() frees it.
 * Gives: only key columns whose equality is known are in the hash: integers,
 *        text, varchar and uuid. key_hash_make(): see enum key_hash_result.
 * Fails: key_hash_open(): ERR_CONFIG if the key has no such column. */
#ifndef LOAD_KEY_HASH_H
#define LOAD_KEY_HASH_H

#include "table/record.h"

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
