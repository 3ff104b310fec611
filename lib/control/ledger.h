/* etl_loads: one row a stream and target, moved by compare and set in every
 * batch's transaction (protocol.md, order of writes, 3d and 4). */
#ifndef CONTROL_LEDGER_H
#define CONTROL_LEDGER_H

#include "db/db.h"

struct ledger {
	const char *stream_id, *target, *run;   /* run NULL outside etl-run */
	int64_t batch;          /* batches committed before this one */
	int64_t seq;            /* last boundary in the batch, 0 none */
	bool ended;             /* the stream's end is in it */
	bool appends;           /* append and the like without checkpoints:
	                         * a second load would load twice */
	const char *counts;     /* JSON: the run row's stages so far */
	int64_t version;        /* of the checkpoint, after this batch */
};

struct ledger_row {             /* as committed; all 0 where none is */
	bool there, ended, taken;
	bool own;               /* by this run, or as this one outside any */
	int64_t batch, seq, version;
};

enum ledger_result {
	LEDGER_FAILED = -1,
	LEDGER_SET,             /* this batch is recorded: go on to commit */
	LEDGER_DONE,            /* it was committed before: roll back, go on */
	LEDGER_AHEAD,           /* a saved stream loaded again: skip */
	LEDGER_TAKEN            /* somebody took its place: 75 */
};

/* In the batch's transaction, after its data. */
enum ledger_result ledger_move(struct db *db, const struct ledger *l,
    struct err *e);
/* For a batch whose COMMIT had no answer and that cannot be sent again: takes
 * its place, by itself, without a transaction. LEDGER_SET: it never will be
 * committed; LEDGER_DONE: it was. */
enum ledger_result ledger_take(struct db *db, const struct ledger *l,
    struct err *e);
/* By itself: a stream whose place was taken after l->batch batches goes on,
 * with a number that neither a late COMMIT nor its loader expects. Nothing is
 * changed where that is not how the row stands. */
int ledger_reopen(struct db *db, const struct ledger *l, struct err *e);
/* What is committed for l's stream and target; counts (may be NULL) is
 * appended to. */
struct buf;
int ledger_read(struct db *db, const struct ledger *l,
    struct ledger_row *row, struct buf *counts, struct err *e);

#endif
