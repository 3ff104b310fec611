#include "loader.h"

#include <stdlib.h>

/* Finds the worker for the records w->from to w->to of the chunk. A record
 * without a readable key goes to the first worker, which rejects it. */
static int
find_shares(struct worker *w, struct buf *scratch)
{
	const struct loader *l = w->loader;
	const struct workers *all = &l->workers;
	uint64_t hash;

	for (size_t i = w->from; i < w->to; i++) {
		const struct line line = spool_get_line(&l->spool, i);

		all->share_of[i] = 0;
		if (l->spool.items[i].kind != ITEM_RECORD)
			continue;
		switch (key_hash_make(&all->hash, &w->outcome.reader, &line,
		    scratch, &hash, &w->err)) {
		case KEY_HASH_MADE:
			all->share_of[i] = (unsigned char)(hash % all->n);
			break;
		case KEY_HASH_UNSURE:
			w->unsure = true;
			break;
		case KEY_HASH_NONE:
			break;
		case KEY_HASH_FAILED:
			return -1;
		}
	}
	return 0;
}

static void
find_own_shares(struct worker *w)
{
	struct buf scratch;

	buf_init(&scratch, SIZE_MAX / 2);
	w->result = find_shares(w, &scratch) == -1 ?
	    WORKER_FAILED : WORKER_COMMITTED;
	buf_release(&scratch);
}

static int
grow_share(struct worker *w, size_t n, struct err *e)
{
	struct item *items;
	size_t *place;

	if (n <= w->room)
		return 0;
	items = realloc(w->share.items, n * sizeof(*items));
	if (items == NULL)
		return err_nomem(e);
	w->share.items = items;
	if ((place = realloc(w->place, n * sizeof(*place))) == NULL)
		return err_nomem(e);
	w->place = place;
	w->room = n;
	return 0;
}

static int
grow_shares(struct loader *l, struct err *e)
{
	struct workers *all = &l->workers;
	const size_t n = l->spool.n;
	unsigned char *p;

	for (size_t i = 0; i < all->n; i++)
		if (grow_share(&all->v[i], n, e) == -1)
			return -1;
	if (n <= all->room)
		return 0;
	if ((p = realloc(all->share_of, n)) == NULL)
		return err_nomem(e);
	all->share_of = p;
	all->room = n;
	return 0;
}

static void
add_to_share(struct worker *w, const struct spool *chunk, size_t i)
{
	w->place[w->share.n] = i;
	w->share.items[w->share.n++] = chunk->items[i];
	w->idle = false;
}

/* Divides the records of the chunk among the workers, by the hash of their
 * keys. Each worker computes the hashes of a part of the chunk, in its
 * thread. */
int
workers_divide(struct loader *l, struct err *e)
{
	struct workers *all = &l->workers;
	const struct spool *chunk = &l->spool;
	bool unsure = false;

	if (grow_shares(l, e) == -1)
		return -1;
	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->v[i];

		w->from = chunk->n * i / all->n;
		w->to = chunk->n * (i + 1) / all->n;
		w->unsure = w->idle = false;
		w->share.data = chunk->data;
		w->share.n = 0;
	}
	workers_run(all, find_own_shares);
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].result == WORKER_FAILED) {
			*e = all->v[i].err;
			return -1;
		}
		all->v[i].idle = true;
		unsure |= all->v[i].unsure;
	}
	for (size_t i = 0; i < chunk->n; i++)
		if (chunk->items[i].kind == ITEM_RECORD)
			add_to_share(&all->v[unsure ? 0 : all->share_of[i]],
			    chunk, i);
	return 0;
}
