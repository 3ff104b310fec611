/* The parts of a large CSV file that children read ahead (--jobs). The place
 * where a part begins is a guess: a line end, which may be inside a quoted
 * field. csv_ranges_take() gives out a part only if the reader has come to
 * exactly this place, so a wrong guess costs time but changes nothing.
 * Owns:  the children that it has started.
 * Borrows: pool and self. */
#ifndef EXTRACT_CSV_RANGES_H
#define EXTRACT_CSV_RANGES_H

#include "ahead.h"

struct csv_ranges;

/* WORK reads the part that its task names. The file has `size` bytes, and a
 * record starts at `from`. */
int csv_ranges_open(struct csv_ranges **r, struct ahead *pool,
    ahead_work *work, void *self, uint64_t from, uint64_t size,
    struct err *e);
void csv_ranges_close(struct csv_ranges *r);
/* Returns the records that begin at the offset `at`, or NULL: the reader must
 * read on by itself. They are valid until the next call. */
const struct ahead_output *csv_ranges_take(struct csv_ranges *r, uint64_t at);

#endif
