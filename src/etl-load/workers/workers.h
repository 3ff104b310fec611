/* The connections of --connections N. Each one has a share of a chunk's
 * records, loads it in a thread and commits it in a transaction of its own; the
 * connection of struct loader then commits the state of the batch.
 * Owns:  connections, sinks, outcomes and shares; workers_close() frees them.
 * Borrows: the loader's options, stage, table and chunk. While the threads run
 *          nothing changes these.
 * Gives: records with equal keys are in one share, in their order. */
#ifndef LOAD_WORKERS_H
#define LOAD_WORKERS_H

#include "batch/outcome.h"
#include "table/key_hash.h"

struct loader;

enum worker_result {
	WORKER_FAILED = -1,
	WORKER_COMMITTED,
	WORKER_TABLE_CHANGED    /* rolled back: the table was altered since its
	                         * columns were read */
};

struct worker {
	const struct loader *loader;
	struct db *db;
	void *self;                     /* the sink's own state */
	struct outcome outcome;         /* of the share */
	struct spool share;             /* borrows the text of the chunk */
	size_t *place;                  /* by item of the share: the item of
	                                 * the chunk */
	size_t room;                    /* items that fit into the share */
	size_t from, to;                /* the items of the chunk for which this
	                                 * worker finds the share */
	bool unsure;                    /* some of these may be other spellings
	                                 * of a key: one worker must load all */
	bool idle;                      /* has no share, or has committed it */
	int64_t xid;                    /* the transaction whose COMMIT has had
	                                 * no answer; 0: none */
	enum worker_result result;
	struct err err;                 /* with WORKER_FAILED */
};

struct workers {
	struct worker *v;
	size_t n, wanted;               /* open; to be opened: 0 if the load
	                                 * uses one connection */
	struct key_hash hash;
	unsigned char *share_of;        /* by item of the chunk: the worker */
	size_t room;
	struct buf settings;            /* script: those of --ddl */
};

/* Sets l->workers.wanted. If the table does not allow several connections, as
 * the order of records with different keys matters, warns and leaves it at 0.
 * The table must be open. */
int workers_check_table(struct loader *l, struct err *e);
/* Does this and opens the connections. */
int workers_open(struct loader *l, struct err *e);
void workers_close(struct loader *l);
/* Connects again after a failure of this connection. If the answer to COMMIT
 * was lost, asks the server for it: a share that was committed is then idle. */
int worker_reconnect(struct worker *w, struct err *e);
/* Returns 0 also if the server does not know the outcome: then the share is
 * loaded again, which gives the same rows. */
int worker_find_commit_outcome(struct worker *w, struct err *e);
/* Puts the number of the connection in front of the error. Returns -1. */
int worker_name_in_error(const struct workers *all, size_t i, struct err *e);

/* Runs run() for each worker that is not idle, in a thread for each, and waits
 * for all. */
void workers_run(struct workers *all, void (*run)(struct worker *));
/* Divides the chunk's records among the workers. */
int workers_divide_chunk(struct loader *l, struct err *e);
/* Loads the worker's share in a transaction and commits it. Sets w->result. */
void worker_load_share(struct worker *w);

/* Loads all chunks of the batch by the workers, and collects their counts and
 * rejects in the outcome of the table. Then l->rows_are_stored is true: a later
 * try of the batch does not load them again. Does nothing if the batch must be
 * loaded by one connection. No transaction is open. Returns as a worker does.
 */
enum worker_result workers_load_batch_if_may(struct loader *l, struct err *e);

#endif
