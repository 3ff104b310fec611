/* Reads a part of each record in o->chunk, the part of the batch that is in
 * memory.
 * Fails: -1; ERR_RETRY if a signal has come. */
#ifndef LOAD_CHUNK_RECORDS_H
#define LOAD_CHUNK_RECORDS_H

#include "batch/outcome.h"

/* How many bytes of values that were found a sink remembers. It takes a value
 * that it has forgotten a second time. */
enum { REMEMBERED_MAX = 1 << 20 };

/* Returns 1; 0: the record does not have these values; -1 with *e. */
typedef int take_part(
    void *self, struct reader *r, const struct line *l, struct err *e);

/* Calls take() for each record. Counts in *unreadable how often it returns
 * 0. */
int chunk_for_each_record(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e);
/* The same for the records of the chunk that were rejected: by the loader, or
 * by an earlier stage that has sent a reject line in the stream. Of several
 * tables, each counts a record that names none of them in *unreadable. */
int chunk_for_each_rejected(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e);

#endif
