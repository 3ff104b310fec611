/* Deletes the rows of the scopes of --mode delete-insert from a SQLite table.
 * Owns:  a statement, a tuple and the scopes; lite_scopes_release() frees them.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_SQLITE_SCOPES_H
#define LOAD_SQLITE_SCOPES_H

#include "batch/chunk_records.h"
#include "batch/keyset.h"
#include "sink.h"
#include "sqlite/sqlite_tuple.h"

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

#endif
