/* How many records of the stream were rejected, and how many were seen, by the
 * loader and the stages before it: for --max-rejects and --expect. */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include "loader.h"

uint64_t tally_count_upstream_rejects(const struct loader *l);
/* `in` records were loaded or rejected by the loader, `rejected` of them
 * rejected; `upstream` reject lines came in the stream. `ended`: this is the
 * end of the stream. */
struct reject_tally tally_make(const struct loader *l, uint64_t in,
    uint64_t rejected, uint64_t upstream, bool ended);
/* The same, with the records that are committed and those of the batch. */
struct reject_tally tally_make_with_batch(const struct loader *l, bool ended);

#endif
