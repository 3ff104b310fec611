#include "loader.h"

enum {
	EQUAL_KEYS_MAX = 500,
	GROWN = 25000,          /* records; together with a chunk and SQLite's
	                         * page cache they take less than 32 MiB */
	RECORDS_OF_PAGE = 8     /* that a batch has at least for each page that
	                         * it writes, if it is large enough */
};

/* Raises the limit of records, because SQLite writes each changed page as a
 * whole at a commit. If the keys are in random order, nearly each record of a
 * small batch changes a different page; in a larger batch several records share
 * a page. Does so only if the batch wrote many pages and --batch is not
 * given. */
static void
grow_batch(struct loader *l)
{
	uint64_t pages = (uint64_t)db_count_pages(l->db);

	if (l->o->batch == BATCH_NOT_GIVEN &&
	    l->spool.total >= l->full_batch &&
	    pages > l->spool.total / RECORDS_OF_PAGE)
		l->full_batch = GROWN;
}

void
batch_set_limit(struct loader *l)
{
	uint64_t most = 0, full;

	grow_batch(l);
	full = l->full_batch;
	for (size_t i = 0; i < l->ntables; i++)
		if (l->tables[i].outcome.most_equal > most)
			most = l->tables[i].outcome.most_equal;
	if (most > EQUAL_KEYS_MAX)
		l->batch_limit = full < EQUAL_KEYS_MAX ? full : EQUAL_KEYS_MAX;
	else if (most <= EQUAL_KEYS_MAX / 2)
		l->batch_limit = l->batch_limit < full / 2 ?
		    2 * l->batch_limit : full;
}
