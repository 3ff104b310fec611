/* A hash of 128 bits of records, to see whether a page or a record has come
 * before. By accident, two different records do not have the same hash. A
 * service that wants to mislead could make such records, but it could as well
 * leave records out. */
#ifndef EXTRACT_RECORD_HASH_H
#define EXTRACT_RECORD_HASH_H

#include "stream/lines.h"

struct record_hash {
	uint64_t a, b;
};

struct record_hash record_hash(const struct line *record);
/* Adds the hash of the next record to that of the records before it, which
 * starts with 0. */
void record_hash_add(struct record_hash *all, struct record_hash next);
bool record_hash_equals(struct record_hash x, struct record_hash y);

#endif
