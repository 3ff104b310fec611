/* --mode replace: loads the rows into a new table, which then takes the place
 * and the name of the target table. All of this is in the transaction of the
 * batch.
 * Owns:  the names and texts; pg_swap_close() frees them.
 * Borrows: db and t until then.
 * Gives: s->target: a copy of t with the name of the new table, for the sink.
 * Fails: ERR_CONFIG and ERR_DENIED before anything is written; ERR_RETRY if
 *        another session has changed or locked the table. */
#ifndef LOAD_PG_SWAP_H
#define LOAD_PG_SWAP_H

#include "base/buf.h"
#include "target.h"

struct pg_swap {
	struct db *db;
	const struct target *old;
	struct target target;
	struct table table;             /* of s->target; owns nothing */
	char name[64];                  /* of the new table */
	struct buf quoted;              /* schema and name of the new table */
	struct buf sql;
	struct buf before;              /* description of the table at the
	                                 * beginning of the load */
	struct buf messages;            /* statements that put the old table's
	                                 * names into the messages of rejects */
	bool indexed_first;             /* make indexes and foreign keys before
	                                 * the rows come, because they refused a
	                                 * row in an earlier try */
};

int pg_swap_open(struct pg_swap *s, struct db *db, const struct target *t,
    struct err *e);
void pg_swap_close(struct pg_swap *s);
/* Called before anything is read. Fails if the new table could not have all
 * properties of the table. */
int pg_swap_check(struct pg_swap *s, struct err *e);
/* Called at the beginning of the batch. Locks the table, so that other sessions
 * can only read it until the commit. Makes the new table. Adds the number of
 * rows of the old table to *removed. */
int pg_swap_make_table(struct pg_swap *s, uint64_t *removed, struct err *e);
/* Called after all rows were written to the new table. Makes its indexes and
 * foreign keys, unless they exist. */
int pg_swap_make_indexes(struct pg_swap *s, struct err *e);
/* Called just before the COMMIT. Locks the old table so that nobody can read
 * it, drops it, and gives its name to the new table. */
int pg_swap_tables(struct pg_swap *s, struct err *e);

#endif
