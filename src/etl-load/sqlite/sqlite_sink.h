/* The state of the SQLite sink, which the files of this folder share.
 * Owns:  all of it; the sink's close() frees it. */
#ifndef LOAD_SQLITE_SINK_H
#define LOAD_SQLITE_SINK_H

#include "base/retry.h"
#include "batch.h"
#include "keys.h"
#include "sink.h"
#include "sqlite/sqlite_codec.h"
#include "sqlite/sqlite_sets.h"
#include "sqlite/sqlite_store.h"
#include "target.h"

/* The order in which the records of a chunk are stored. If the keys of a chunk
 * were not in order, the next chunk is sorted by the key before it is stored.
 * Then SQLite reads and writes each page of the key's index only once for each
 * batch.
 * Owns:  room for the order; lite_order_release() frees it.
 * Fails: -1 with *e. */

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

/* The outcome of an item. */
enum put {
	PUT_FAILED = -1,
	PUT_DONE,               /* stored or rejected */
	PUT_CONVERTED,          /* its values are in s->store */
	PUT_LATER,              /* a later record may insert the row that this
	                         * record refers to */
	PUT_REPEAT              /* the batch must be repeated */
};

/* For --expect: notes in a temporary table which rows the transaction has
 * written. In a mode that updates these are the keys of all records, because
 * rows that are found unchanged count as written too. In other modes these are
 * the rowids of the inserted rows. */
struct lite_written {
	struct db_stmt *insert; /* NULL: nothing is noted */
	struct db_value *key;   /* room for the values of a key */
};

/* Records that wait until one statement inserts all of them. Their values are
 * in the slots of struct lite_store. */
struct lite_group {
	const struct shape *shape;
	uint32_t *item;         /* their numbers in the chunk */
	size_t n, full;         /* full: 0 if the load has no groups */
	struct doubling_pause pause;    /* records that are stored one by one
	                         * after a group failed */
};

struct lite_sink {
	struct lite_store store;
	struct lite_scopes scopes;
	struct lite_mirror mirror;
	struct lite_written written;
	struct lite_group group;
	struct lite_order order;
	bool watched;           /* triggers of the load note each changed row */
	struct keyset keys;     /* of the chunk; the value of a key is the
	                         * number of the last item that was stored with
	                         * it, or of one that waits */
	unsigned char *result;  /* by item: enum lite_result, 0 if not stored */
	size_t room;
	uint32_t *later;        /* items that wait for the rows that they refer
	                         * to by a foreign key */
	size_t nlater, later_room;
};

/* Forgets the records of the group. */
void lite_group_clear(struct lite_sink *s);
extern const struct sink_images lite_images;
extern const struct sink_late lite_late;
extern const struct sink_written lite_written;

/* For --plan: the statements that a load into SQLite would run. */

/* Appends the statements for records that have exactly the columns of the
 * shape. Each one ends with ";" and a newline. */
void sqlite_put_load(struct buf *b, const struct target *t,
    const struct shape *s);

#endif
