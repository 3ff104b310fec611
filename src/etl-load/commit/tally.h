/* How many records of the stream were rejected, and how many were read at all:
 * by the loader and the stages before it. For --max-rejects and --expect. */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include "loader.h"

/* Returns how many reject lines of earlier stages came in the stream. */
uint64_t tally_upstream(const struct loader *l);
/* `in` is the number of records that reached the loader, `rejected` how many of
 * them it has rejected, and `upstream` the number of reject lines that came in
 * the stream. `ended` is true at the end of the stream. */
struct reject_tally tally_make(const struct loader *l, uint64_t in,
    uint64_t rejected, uint64_t upstream, bool ended);
/* Counts the committed records of the stream and those of the present batch,
 * also the rejects that an earlier stage has written to a file. */
struct reject_tally tally_with_batch(const struct loader *l, bool ended);

#endif
