/* A phase: what a feature of etl-load does at the fixed moments of a load.
 * Gives: the table phases[] in commit.c has all phases, in the order in which
 *        their functions are called. A NULL stands for nothing to do.
 * Fails: -1 or SINK_FAILED with *e: the transaction is rolled back. */
#ifndef LOAD_PHASE_H
#define LOAD_PHASE_H

#include "sink.h"

struct loader;
struct loaded_table;

/* A result of finish(): the ledger (table etl_loads) shows that an earlier try
 * has committed the batch. The caller rolls back. */
enum { PHASE_WAS_COMMITTED = 1 };

struct phase {
	/* False: the load skips all functions of the phase. NULL: true. */
	bool (*wants)(const struct loader *l);
	/* The tables are open, and no record was read. --plan calls it too. */
	int (*check)(struct loader *l, struct err *e);
	/* The transaction of a try has begun, and no record is written. */
	int (*begin)(struct loader *l, struct err *e);
	/* The sink has applied a chunk to the table *t. */
	int (*table)(
	    struct loader *l, struct loaded_table *t, struct err *e);
	/* The sink has applied the chunk to all tables. */
	enum sink_result (*chunk)(struct loader *l, struct err *e);
	/* All records of the batch are written. Returns 0, -1 or
	 * PHASE_WAS_COMMITTED. */
	int (*finish)(struct loader *l, struct err *e);
	/* The COMMIT is about to be sent. */
	void (*send)(struct loader *l);
	/* The batch is committed. */
	int (*committed)(struct loader *l, struct err *e);
};

extern const struct phase complete_lock_phase, complete_phase,
    emit_phase, evolve_phase, expect_phase, images_lock_phase, images_phase,
    ledger_phase, letters_phase, mirror_phase, nested_phase,
    reject_lines_phase, replace_phase, swap_phase, workers_phase, xid_phase;

/* Calls check() of all phases that the load wants. */
int phases_check(struct loader *l, struct err *e);

#endif
