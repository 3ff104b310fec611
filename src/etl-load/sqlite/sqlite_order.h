/* The order in which the records of a chunk are stored. If the keys of a chunk
 * were not in order, the next chunk is sorted by the key before it is stored.
 * Then SQLite reads and writes each page of the key's index only once for each
 * batch.
 * Owns:  room for the order; lite_order_release() frees it.
 * Fails: -1 with *e. */
#ifndef LOAD_SQLITE_ORDER_H
#define LOAD_SQLITE_ORDER_H

#include "batch/outcome.h"
#include "sqlite/sqlite_tuple.h"

struct lite_ordered;

struct lite_order {
	struct lite_tuple key;
	struct shape columns;           /* of the key */
	struct buf keys;                /* of all records of the chunk */
	struct lite_ordered *v;
	size_t n, room;
	bool may;                       /* any order gives the same result */
	bool wanted;                    /* the last keys were not in order */
};

/* Finds out if the records may be stored in another order than that of the
 * input, and sets o->may. */
int lite_order_init(struct lite_order *o, struct db *db,
    const struct target *t, struct err *e);
void lite_order_release(struct lite_order *o);
/* If o->may and o->wanted are true, sorts the records of the chunk by their
 * keys. Records with equal keys stay in the order in which they came. */
int lite_order_sort(struct lite_order *o, struct outcome *chunk, struct err *e);
/* Returns the number of the record that must be stored at place i of the
 * order. */
size_t lite_order_get_item(const struct lite_order *o, size_t position);

#endif
