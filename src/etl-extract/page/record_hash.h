/* A 128-bit hash of a record, to detect a page or a record that came before.
 * Two different records practically never have the same hash by chance. The
 * hash is not cryptographic: a service could construct two records with the
 * same hash, but it could as well leave records out. */
#ifndef EXTRACT_RECORD_HASH_H
#define EXTRACT_RECORD_HASH_H

#include "stream/lines.h"

struct record_hash {
	uint64_t a, b;
};

struct record_hash record_hash(const struct line *record);
/* Updates *all, the hash of a list of records, with the hash of the next
 * record. Start with 0. */
void record_hash_add(struct record_hash *all, struct record_hash next);
bool record_hash_equals(struct record_hash x, struct record_hash y);

#endif
