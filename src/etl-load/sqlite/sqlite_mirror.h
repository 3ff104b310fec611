/* For --mode mirror on SQLite: a temporary table has the rowid of each row that
 * came or, if the table has no rowid, its primary key. At the end, all other
 * rows of the target are deleted.
 * Owns:  a statement and a tuple; lite_mirror_release() frees them.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_SQLITE_MIRROR_H
#define LOAD_SQLITE_MIRROR_H

#include "sink.h"
#include "sqlite/sqlite_tuple.h"

struct lite_mirror {
	struct db *db;
	const struct target *target;
	struct shape key;
	struct db_stmt *note;           /* notes the row of a key */
	struct lite_tuple tuple;
	char *now;                      /* the time of the transaction, in
	                                 * struct lite_store */
	int64_t strays;                 /* as in struct mirror_counts */
};

int lite_mirror_init(struct lite_mirror *m, struct db *db,
    const struct target *t, char *now, struct err *e);
void lite_mirror_release(struct lite_mirror *m);
/* Called after a record was stored. `values` are the values of its shape. */
int lite_mirror_note(struct lite_mirror *m, const struct shape *shape,
    const struct db_value *values, struct err *e);
/* The functions of the sink. Their argument `self` is a struct lite_sink. */
extern const struct sink_mirror lite_mirror_calls;

#endif
