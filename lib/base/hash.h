/* SHA-256 (FIPS 180-4) in hex, and random identifiers.
 * Owns:  struct hash is on the heap until hash_finish() or hash_free(). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

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

#endif
