/* Visits the records in o->chunk (the part of the batch that is in memory) and
 * reads some of their values.
 * Fails: -1; ERR_RETRY if a signal has asked the program to stop. */
#ifndef LOAD_CHUNK_RECORDS_H
#define LOAD_CHUNK_RECORDS_H

#include "batch/outcome.h"

/* A sink remembers the keys and scopes that it has seen in order to skip
 * repeated ones. Beyond this number of bytes it forgets them all: a repeated
 * key is then processed a second time, which costs time but changes no
 * result. */
enum { REMEMBERED_MAX = 1 << 20 };

/* Reads some values of the record *l. Returns 1; 0: the record has no value for
 * one of them; -1 with *e. */
typedef int take_part(
    void *self, struct reader *r, const struct line *l, struct err *e);

/* Calls take() for each record of the table in the chunk. Adds to *unreadable
 * the number of records for which take() returned 0. */
int chunk_each_record(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e);
/* Calls take() for each rejected record of the chunk. The loader itself has
 * rejected it, or an earlier stage has sent its reject line in the stream. With
 * --tables a rejected record that names no table could belong to any table, so
 * the call for each table counts it in *unreadable. */
int chunk_each_rejected(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e);

#endif
