/* Copies tuples into a temporary table of PostgreSQL. A tuple is the values
 * that a record has in some columns: a scope of --mode delete-insert, or a key.
 * Owns:  buffers; pg_tuples_release() frees them.
 * Borrows: db, target, columns and table until then.
 * Fails: -1: the batch cannot go on. */
#ifndef LOAD_PG_TUPLES_H
#define LOAD_PG_TUPLES_H

#include "batch/chunk_records.h"
#include "batch/keyset.h"

struct pg_tuples {
	struct db *db;
	const struct target *target;
	const struct shape *columns;
	const char *table;              /* the temporary table, without
	                                 * target->suffix */
	bool takes_null;                /* a tuple may have a NULL */
	bool there;                     /* the temporary table exists */
	struct buf sql, scratch;
	struct keyset seen;             /* tuples as lines of COPY */
	bool many;                      /* the temporary table has so many that
	                                 * a nested loop over it is slow */
	size_t copied;                  /* how many of `seen` were copied */
};

void pg_tuples_init(struct pg_tuples *t, struct db *db,
    const struct target *target, const struct shape *columns,
    const char *table, bool takes_null);
void pg_tuples_release(struct pg_tuples *t);
/* Calls check() in a transaction. check() makes the temporary table and tries a
 * statement with it. Without a transaction, a connection pool could run the two
 * in different sessions. With a pool, the table is dropped at the end of the
 * transaction (see db_on_commit()). */
int pg_tuples_check(struct pg_tuples *t,
    int (*check)(void *self, struct err *e), void *self, struct err *e);
void pg_tuples_forget(struct pg_tuples *t);
/* Notes the tuple of the record, unless it was noted before. Returns 1: noted;
 * 0: the record has no such values, the columns would not keep them unchanged,
 * or one is NULL and takes_null is false; -1 with *e. */
int pg_tuples_note(struct pg_tuples *t, struct reader *r,
    const struct line *l, struct err *e);
/* Copies the tuples that were noted since the last call into the temporary
 * table. Counts in *unreadable those that the server refuses. */
int pg_tuples_copy_new(struct pg_tuples *t, bool judge_all,
    uint64_t *unreadable, struct err *e);
/* Tells the planner whether to avoid nested loops from now on in this
 * transaction. Used for statements that join a table with many tuples. */
int pg_avoid_loops(struct db *db, bool avoid, struct err *e);

#endif
