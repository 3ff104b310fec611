/* Memory that is freed all at once: values of one record, or a whole program.
 * Owns:  the blocks. arena_clear() forgets their content and keeps the first
 *        block if it is small, so that the next record needs no malloc().
 * Fails: arena_get() returns NULL if memory is out, or if more than `max` bytes
 *        would be in use. */
#ifndef TRANSFORM_ARENA_H
#define TRANSFORM_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;     /* the newest first */
	size_t used, size;              /* of the newest block */
	size_t total, max;
};

void arena_init(struct arena *a, size_t max);
void arena_release(struct arena *a);
void arena_clear(struct arena *a);
void *arena_get(struct arena *a, size_t n);

#endif
