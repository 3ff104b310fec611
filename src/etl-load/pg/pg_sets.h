/* Sets of rows that a mode deletes from a table of PostgreSQL: the rows of
 * scopes, and the rows that are missing from the input. */
#ifndef LOAD_PG_SETS_H
#define LOAD_PG_SETS_H

#include "pg/pg_copy.h"
#include "sink.h"

/* Deletes the rows of the scopes of --mode delete-insert from a table of
 * PostgreSQL. The scopes of the records are copied into a temporary table. A
 * DELETE that joins this table finds their rows.
 * Owns:  buffers and the scopes; pg_scopes_release() frees them.
 * Fails: -1: the batch cannot go on. */

struct pg_scopes {
	struct db *db;
	const struct target *target;
	struct pg_tuples tuples;
	struct buf sql;
	struct keyset nulls;            /* which columns of a scope are NULL:
	                                 * for example 010 */
	size_t dead;                    /* rows that were deleted from the
	                                 * temporary table */
	bool hashes;                    /* the columns of --scope have a hash
	                                 * function */
	const struct scope_ids *ids;    /* of put_ids(), or NULL */
	struct buf emptied;             /* the ids of the scopes whose rows were
	                                 * deleted, separated by commas */
	bool all_emptied;               /* all scopes count as emptied */
	struct pg_tuples refused;       /* scopes of rejected records */
};

void pg_scopes_init(
    struct pg_scopes *s, struct db *db, const struct target *t);
void pg_scopes_release(struct pg_scopes *s);
/* The functions of the sink. Their argument `self` is a struct pg_sink. */
extern const struct sink_scopes pg_scopes_calls;

/* For --mode mirror on PostgreSQL: a temporary table has the keys of all
 * records that came. At the end, the rows of the target whose keys are not in
 * this table are deleted.
 * Owns:  buffers; pg_mirror_release() frees them.
 * Fails: -1: the batch cannot go on. */

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
