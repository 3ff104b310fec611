#include "loader.h"

void
loader_set_limit_of_next_batch(struct loader *l)
{
	enum { EQUAL_KEYS_MAX = 500 };
	uint64_t most = 0, full = l->o->batch;

	for (size_t i = 0; i < l->ntables; i++)
		if (l->tables[i].outcome.most_equal > most)
			most = l->tables[i].outcome.most_equal;
	if (most > EQUAL_KEYS_MAX)
		l->batch_limit = full < EQUAL_KEYS_MAX ? full : EQUAL_KEYS_MAX;
	else if (most <= EQUAL_KEYS_MAX / 2)
		l->batch_limit = l->batch_limit < full / 2 ?
		    2 * l->batch_limit : full;
}
