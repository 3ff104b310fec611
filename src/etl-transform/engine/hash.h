/* The hash of --hash: the SHA-256, in hexadecimal, of the canonical JSON of an
 * object with the chosen members of a record. A member that the record does not
 * have is not in this object, so an absent member and null differ.
 * Owns:  copies of the names; row_hash_release() frees them. */
#ifndef TRANSFORM_HASH_H
#define TRANSFORM_HASH_H

#include "engine/engine.h"
#include "json/member_index.h"

struct row_hash {
	const char *as;                 /* the member that gets the hash */
	struct buf names;               /* of the chosen members, in the order
	                                 * of canonical JSON, each with a NUL */
	struct buf text;                /* the canonical JSON of a record */
	struct member_index index;
	size_t max_record;
};

/* Checks --hash and --hash-as, which may be NULL. Fails with ERR_USAGE. */
int row_hash_check(const char *columns, const char *as, struct err *e);

#endif
