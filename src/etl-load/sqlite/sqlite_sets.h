/* Sets of rows that a mode deletes from a SQLite table: the rows of scopes, and
 * the rows that are missing from the input. */
#ifndef LOAD_SQLITE_SETS_H
#define LOAD_SQLITE_SETS_H

#include "batch.h"
#include "keys.h"
#include "sink.h"
#include "sqlite/sqlite_codec.h"

/* Deletes the rows of the scopes of --mode delete-insert from a SQLite table.
 * Owns:  a statement, a tuple and the scopes; lite_scopes_release() frees them.
 * Fails: -1: the batch cannot go on. */

struct lite_scopes {
	struct db *db;
	const struct target *target;
	struct sums *sums;              /* of the present call */
	struct db_stmt *delete;
	struct lite_tuple tuple;
	struct keyset done;             /* scopes whose rows are deleted */
	struct keyset ids;              /* --mode delete-insert: the ids of the
	                                 * first scopes; the value says what
	                                 * became of the scope */
	bool many;                      /* there are more scopes than ids */
	int64_t nrejected;              /* rejected records with a scope */
	struct buf text;                /* of which an id is made */
};

int lite_scopes_init(struct lite_scopes *s, struct db *db,
    const struct target *t, struct err *e);
void lite_scopes_release(struct lite_scopes *s);
/* Prepares the statement and forgets all scopes. */
int lite_scopes_start(struct lite_scopes *s, struct err *e);
/* Deletes the rows of the scopes of the records in o->chunk. Counts in
 * *unreadable the records without a readable scope. */
int lite_scopes_delete(struct lite_scopes *s, struct outcome *o,
    uint64_t *unreadable, struct err *e);
/* The functions of struct sink_scopes for the ids of scopes. */
int lite_scopes_put_ids(
    struct lite_scopes *s, struct scope_ids *ids, struct err *e);
int lite_scopes_add_rejected(
    struct lite_scopes *s, struct outcome *o, struct err *e);
int64_t lite_scopes_emptied(const struct lite_scopes *s);
int64_t lite_scopes_recordless(const struct lite_scopes *s,
    const struct scope_ids *recorded);
/* Fails if a row with a deferred foreign key refers to a deleted row. */
int lite_scopes_check(struct lite_scopes *s, struct err *e);

/* For --mode mirror on SQLite: a temporary table has the rowid of each row that
 * came or, if the table has no rowid, its primary key. At the end, all other
 * rows of the target are deleted.
 * Owns:  a statement and a tuple; lite_mirror_release() frees them.
 * Fails: -1: the batch cannot go on. */

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
