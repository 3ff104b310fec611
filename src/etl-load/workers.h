/* The connections of --connections N. Each one loads a share of a chunk's
 * records, in a thread, and commits it in its own transaction. Then the
 * connection of struct loader commits the state of the batch.
 * Owns:  connections, sinks, outcomes and shares; workers_close() frees them.
 * Borrows: the loader's options, stage, table and chunk. Nothing changes them
 *          while threads run.
 * Gives: records with equal keys are in one share, in their order. */
#ifndef LOAD_WORKERS_H
#define LOAD_WORKERS_H

struct err;
struct loader;

enum worker_result {
	WORKER_FAILED = -1,
	WORKER_COMMITTED,
	WORKER_TABLE_CHANGED    /* rolled back: the table was altered since its
	                         * columns were read */
};

/* Sets l->connections, the number of connections, and opens them; --plan
 * opens none. Leaves the number at 0 and warns if the order of records with
 * different keys matters to the table, for example because of a trigger: then
 * only one connection may load it. The table must be open. */
int workers_open(struct loader *l, struct err *e);
void workers_close(struct loader *l);

/* Loads all chunks of the batch through the workers, and adds their counts and
 * rejects to the outcome of the table. Then sets l->batch.rows_are_stored, so
 * that a later try of the batch does not load them again. If only one
 * connection may load the batch, does nothing and returns WORKER_COMMITTED.
 * Called without an open transaction. */
enum worker_result workers_load(struct loader *l, struct err *e);

#endif
