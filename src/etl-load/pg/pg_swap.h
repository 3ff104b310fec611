/* --mode replace: fills a second table, the new one, that then takes the place
 * and the name of the table. All of it is in the batch's transaction.
 * Owns:  the names and texts; pg_swap_close() frees them.
 * Borrows: db and t until then.
 * Gives: s->target is t with the name of the new table: the sink writes there.
 * Fails: ERR_CONFIG and ERR_DENIED before anything is written; ERR_RETRY if
 *        somebody else has changed or locked the table. */
#ifndef LOAD_PG_SWAP_H
#define LOAD_PG_SWAP_H

#include "base/buf.h"
#include "table/target.h"

struct pg_swap {
	struct db *db;
	const struct target *old;
	struct target target;
	struct table table;             /* of s->target; owns nothing */
	char name[64];                  /* of the new table */
	struct buf quoted;              /* schema and name of the new table */
	struct buf sql;
	struct buf before;              /* what swap_description says of the
	                                 * table at the begin of the load */
	struct buf messages;            /* statements that put the lasting names
	                                 * into the messages of rejects */
	bool indexed_first;             /* make indexes and foreign keys before
	                                 * the rows come: they refused a row */
};

int pg_swap_open(struct pg_swap *s, struct db *db, const struct target *t,
    struct err *e);
void pg_swap_close(struct pg_swap *s);
/* Called before anything is read. Fails if the new table could not have all
 * that the table has. */
int pg_swap_check(struct pg_swap *s, struct err *e);
/* Called at the begin of the batch. Locks the table, so that others can only
 * read it until the commit; makes the new table; adds the number of rows in the
 * table to *removed. */
int pg_swap_make_table(struct pg_swap *s, uint64_t *removed, struct err *e);
/* Called when all rows are in the new table. Makes its indexes and foreign
 * keys, unless they are there. */
int pg_swap_make_indexes(struct pg_swap *s, struct err *e);
/* Called just before the COMMIT. Locks the table so that nobody can read it,
 * drops it and gives the new one its name. */
int pg_swap_tables(struct pg_swap *s, struct err *e);

#endif
