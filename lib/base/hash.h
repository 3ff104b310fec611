/* SHA-256 (FIPS 180-4) in hex, and random identifiers.
 * Owns:  struct hash is on the heap until hash_finish() or hash_free(). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/errval.h"

#include <stddef.h>

enum { HASH_HEX = 65, UUID_TEXT = 37 };

struct hash;

struct hash *hash_new(void);                    /* NULL: no memory */
void hash_add(struct hash *h, const void *p, size_t n);
void hash_finish(struct hash *h, char out[HASH_HEX]); /* frees h */
void hash_free(struct hash *h);
void hash_bytes(const void *p, size_t n, char out[HASH_HEX]);

void uuid_new(char out[UUID_TEXT]);             /* RFC 9562, version 4 */
void random_hex(char *out, size_t digits);      /* terminated */

/* The id of a reject (a record that a stage did not accept). Rejects with the
 * same id are stored as one dead letter. So the id is computed from everything
 * that distinguishes two letters: where the record was rejected, and the
 * record.
 * Gives: the SHA-256, in hexadecimal, of the parts that etl-record(5) states.
 * Fails: ERR_NOMEM. */

struct reject_place {
	const char *pipeline;           /* NULL: none, as "" */
	const char *stream;             /* the same; without a stream the id is
	                                 * that of etl versions whose rejects
	                                 * named no stream */
	const char *stage;              /* the stage that rejected the record */
	const char *table;              /* the loader's table; NULL: the stage
	                                 * is no loader */
};

/* raw: the bytes of the record. If it was too long, they are its start, and
 * sha256 is the hash of the whole record; else sha256 is NULL. */
int reject_id_record(char id[HASH_HEX], const struct reject_place *p,
    const char *raw, size_t len, const char *sha256, struct err *e);
/* key: the values of the record's key, as a JSON array. All rejects with this
 * key in this table get the same id. */
int reject_id_key(char id[HASH_HEX], const struct reject_place *p,
    const char *key, size_t len, struct err *e);

#endif
