/* The state of the SQLite sink, which the files of this folder share.
 * Owns:  all of it; the sink's close() frees it. */
#ifndef LOAD_SQLITE_SINK_H
#define LOAD_SQLITE_SINK_H

#include "base/doubling_pause.h"
#include "batch/keyset.h"
#include "sink.h"
#include "sqlite/sqlite_mirror.h"
#include "sqlite/sqlite_order.h"
#include "sqlite/sqlite_scopes.h"
#include "sqlite/sqlite_store.h"

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

/* Stores or rejects the records of the chunk. Returns PUT_DONE,
 * PUT_REPEAT or PUT_FAILED. */
enum put lite_store_items(struct lite_sink *s, struct outcome *o,
    struct err *e);
/* Counts the result rc of record number i, which was stored. Its values are in
 * s->store. */
int lite_count_stored(struct lite_sink *s, struct outcome *o,
    const struct shape *shape, size_t item, enum lite_result rc, struct err *e);
/* Returns 1 if a record after record number i has the same key and was stored,
 * so that record number i must not overwrite its row. Otherwise returns 0, or
 * -1 with *e. If the key is new in this chunk, adds it to s->keys. */
int lite_stored_later(struct lite_sink *s, struct outcome *o,
    const struct shape *shape, size_t item, struct err *e);
int lite_group_init(struct lite_sink *s, struct err *e);
/* Forgets the records of the group. */
void lite_group_clear(struct lite_sink *s);
/* True if a record of `len` bytes may wait in the group for other records.
 * Called once for each record, because it counts the records of a pause. */
bool lite_group_may_take(struct lite_sink *s, size_t record_len);
/* Adds record number i, whose values are in s->store, to the group. If the
 * other records of the group have other columns, adds nothing and returns
 * false. */
bool lite_group_add(struct lite_sink *s, const struct shape *shape,
    size_t item);
/* Makes s->store.values point to the values of record k of the group. */
void lite_group_select(struct lite_sink *s, size_t record);
/* Called after a statement has inserted the first `stored` records of a full
 * group. If these are few, some of the next records are stored one by one. Each
 * time this happens, there are twice as many such records. */
void lite_group_pace(struct lite_sink *s, size_t stored);
extern const struct sink_images lite_images;
extern const struct sink_late lite_late;
extern const struct sink_written lite_written;
/* For --expect: notes the row of the record whose values are in s->store. */
int lite_written_note(struct lite_sink *s, const struct shape *shape,
    enum lite_result r, struct err *e);
void lite_written_release(struct lite_sink *s);

#endif
