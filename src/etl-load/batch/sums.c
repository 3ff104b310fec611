#include "loader.h"

void
sums_add(struct sums *to, const struct sums *t)
{
	to->in += t->in;
	to->inserted += t->inserted;
	to->updated += t->updated;
	to->unchanged += t->unchanged;
	to->superseded += t->superseded;
	to->skipped += t->skipped;
	to->rejected += t->rejected;
	to->deleted += t->deleted;
	to->missed += t->missed;
	to->removed += t->removed;
}

struct sums
loader_sum_batch(const struct loader *l)
{
	struct sums all = l->route.sums;

	sums_add(&all, &l->left);
	for (size_t i = 0; i < l->ntables; i++)
		sums_add(&all, &l->tables[i].outcome.sums);
	return all;
}
