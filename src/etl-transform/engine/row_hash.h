/* The hash of --hash: the SHA-256, in hexadecimal, of the canonical JSON of an
 * object with the chosen members of a record. A member that the record does not
 * have is not in this object, so an absent member and null differ.
 * Owns:  copies of the names; row_hash_release() frees them. */
#ifndef TRANSFORM_ROW_HASH_H
#define TRANSFORM_ROW_HASH_H

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
/* The options must have been checked. */
int row_hash_init(
    struct row_hash *h, const struct engine_conf *c, struct err *e);
void row_hash_release(struct row_hash *h);
/* Appends the record with the hash as its last member, and an LF, or rejects
 * the record. If the record has a member with the name of the hash already, the
 * hash replaces this member. */
void row_hash_put(struct row_hash *h, const struct json *j, struct outcome *o);

#endif
