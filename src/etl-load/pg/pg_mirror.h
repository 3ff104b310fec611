/* For --mode mirror on PostgreSQL: a temporary table has the keys of all
 * records that came. At the end, the rows of the target whose keys are not in
 * this table are deleted.
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
/* The functions of the sink. Their argument `self` is a struct pg_sink. */
extern const struct sink_mirror pg_mirror_calls;

#endif
