#include "native/arena.h"

#include <stdbool.h>
#include <stdlib.h>

enum { ALIGN = 16, BLOCK = 64 << 10 };

struct arena_block {
	struct arena_block *older;
	size_t size;
	_Alignas(ALIGN) char data[];
};

void
arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

/* Frees all blocks. With `keeps_oldest_small_block`, the oldest block is kept
 * if its size is BLOCK, the smallest size. */
static void
free_blocks(struct arena *a, bool keeps_oldest_small_block)
{
	struct arena_block *b = a->blocks;

	while (b != NULL && !(keeps_oldest_small_block && b->older == NULL &&
	    b->size == BLOCK)) {
		struct arena_block *older = b->older;

		free(b);
		b = older;
	}
	a->blocks = b;
	a->used = a->total = 0;
	a->size = b != NULL ? b->size : 0;
}

void
arena_release(struct arena *a)
{
	free_blocks(a, false);
}

void
arena_clear(struct arena *a)
{
	free_blocks(a, true);
}

static struct arena_block *
add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK ? n : BLOCK;
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->older = a->blocks;
	b->size = size;
	a->blocks = b;
	a->used = 0;
	a->size = size;
	return b;
}

void *
arena_get(struct arena *a, size_t n)
{
	void *p;

	if (n > a->max || a->total > a->max - n)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if ((a->blocks == NULL || a->size - a->used < n) &&
	    add_block(a, n) == NULL)
		return NULL;
	p = a->blocks->data + a->used;
	a->used += n;
	a->total += n;
	return p;
}
