/* The ledger, table etl_loads: how far each stream has been loaded into each
 * target. Every batch moves the row in its own transaction, by compare and
 * set on the batch number, so no batch can be committed twice. */
#ifndef CONTROL_LEDGER_H
#define CONTROL_LEDGER_H

#include "db/db.h"

struct ledger {
	const char *stream_id, *target, *run;   /* run: NULL outside etl-run */
	int64_t batch;          /* batches committed before this one */
	int64_t seq;            /* of the last boundary in the batch, or 0 */
	bool ended;             /* the mark `end` is in the batch */
	bool appends;           /* rows are appended without a checkpoint:
	                         * loading again would add them twice */
	const char *counts;     /* JSON: the counts of the stages so far */
	int64_t version;        /* of the checkpoint after this batch */
};

struct ledger_row {             /* as committed; all 0 if there is no row */
	bool there, ended, taken;
	bool own;               /* written by this run, or both are outside
	                         * any run */
	int64_t batch, seq, version;
};

enum ledger_result {
	LEDGER_FAILED = -1,
	LEDGER_SET,             /* the batch is recorded: COMMIT may follow */
	LEDGER_DONE,            /* it was committed before: roll back and go on
	                         * with the next batch */
	LEDGER_AHEAD,           /* another loader is further in this stream */
	LEDGER_TAKEN            /* the row is closed: exit with 75 */
};

/* Moves the row in the batch's transaction, after the batch's rows. */
enum ledger_result ledger_move(struct db *db, const struct ledger *l,
    struct err *e);
/* The answer to a batch's COMMIT was lost, and the batch cannot be repeated:
 * closes the row, as a statement of its own. LEDGER_SET: the batch was not
 * committed and never will be; LEDGER_DONE: it was committed. */
enum ledger_result ledger_take(struct db *db, const struct ledger *l,
    struct err *e);
/* Opens a row that was closed after l->batch batches, as a statement of its
 * own, with a batch number that a late COMMIT does not expect. A row that is
 * not closed stays as it is. */
int ledger_reopen(struct db *db, const struct ledger *l, struct err *e);
/* Reads the row of l's stream and target, and appends its counts to
 * `counts`, which may be NULL. */
struct buf;
int ledger_read(struct db *db, const struct ledger *l,
    struct ledger_row *row, struct buf *counts, struct err *e);

#endif
