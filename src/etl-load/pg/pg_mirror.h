/* For --mode mirror: finds and deletes the rows of a table of PostgreSQL that
 * did not come. A temporary table has the keys that came.
 * Owns:  buffers; pg_mirror_release() frees them.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_PG_MIRROR_H
#define LOAD_PG_MIRROR_H

#include "pg/pg_tuples.h"
#include "sink.h"

struct pg_mirror {
	struct db *db;
	const struct target *target;
	struct shape key;
	struct pg_tuples rejected;      /* keys of rejected records */
	struct buf sql;
};

void pg_mirror_init(
    struct pg_mirror *m, struct db *db, const struct target *t);
void pg_mirror_release(struct pg_mirror *m);
/* The calls of the sink; `self` is a struct pg_sink. */
extern const struct sink_mirror pg_mirror_calls;

#endif
