/* The parts of a large CSV file that children read ahead (--jobs). A part
 * begins after a line end that is chosen by its offset. This is only a guess,
 * because the line end may be inside a quoted field. csv_ranges_take()
 * therefore returns a part only when the reader arrives at exactly its first
 * byte. A wrong guess costs time but changes nothing.
 * Owns:  the jobs that it has started.
 * Borrows: pool and self. */
#ifndef EXTRACT_CSV_RANGES_H
#define EXTRACT_CSV_RANGES_H

#include "ahead.h"

struct csv_ranges;

/* `work` runs in a child and reads the part of the file that its task names.
 * The file has `size` bytes, and a record starts at `from`. */
int csv_ranges_open(struct csv_ranges **r, struct ahead *pool,
    ahead_work *work, void *self, uint64_t from, uint64_t size,
    struct err *e);
void csv_ranges_close(struct csv_ranges *r);
/* Returns the records that a child has read from the offset `at` on; they are
 * valid until the next call. Returns NULL if the reader must read this part by
 * itself. Also gives further parts to children. */
const struct ahead_output *csv_ranges_take(struct csv_ranges *r, uint64_t at);

#endif
