#include "commit/tally.h"

/* Returns how many records the earlier stages have dropped before the last
 * boundary (the mark `checkpoint`, `resolve` or `end`). They count as seen: if
 * a filter has dropped 995 of 1,000 records, 3 rejects are 0.3% of the records
 * and not most of the rest. */
static uint64_t
count_dropped(const struct boundary *last)
{
	uint64_t n = 0;

	for (size_t i = 0; i < last->nstages; i++)
		n += last->stages[i].dropped;
	return n;
}

uint64_t
tally_upstream(const struct loader *l)
{
	return l->stream.segments ? l->stream.last.seen :
	    stage_reject_lines(l->stage);
}

struct reject_tally
tally_make(const struct loader *l, uint64_t in, uint64_t rejected,
    uint64_t upstream, bool ended)
{
	return (struct reject_tally){ .rejected = rejected + upstream,
		.seen = in + upstream + count_dropped(&l->stream.last),
		.ended = ended, .plain = !l->marked };
}

struct reject_tally
tally_with_batch(const struct loader *l, bool ended)
{
	const struct sums t = loader_sum_batch(l);
	uint64_t upstream = tally_upstream(l);

	for (size_t i = 0; i < l->stream.last.nstages; i++)
		upstream += l->stream.last.stages[i].aside;
	return tally_make(l, l->sums.in + t.in,
	    l->sums.rejected + t.rejected, upstream, ended);
}
