/* The ledger, table etl_loads: how far each stream has been loaded into each
 * target. Every batch moves the row in its own transaction, by compare and
 * set on the batch number, so no batch can be committed twice. */
#ifndef CONTROL_LEDGER_H
#define CONTROL_LEDGER_H

#include "db/db.h"

struct ledger {
	const char *stream_id, *target, *run;   /* run: NULL outside etl-run */
	int64_t batch;          /* batches committed before this one */
	int64_t seq;            /* member "seq" of the last mark checkpoint,
	                         * resolve or end in the batch, or 0 */
	bool ended;             /* the mark `end` is in the batch */
	bool appends;           /* rows are appended without a checkpoint:
	                         * loading again would add them twice */
	const char *counts;     /* JSON: the counts of the stages so far */
	int64_t version;        /* version of the stream's checkpoint after
	                         * this batch */
	int64_t kept;           /* rejects in counts that are dead letters, or
	                         * in a file or descriptor 3 if this program
	                         * wrote them; -1: not known */
};

struct ledger_row {             /* as committed; all 0 if there is no row */
	bool there;             /* the row exists */
	bool ended;             /* the stream was loaded to its mark `end` */
	bool taken; /* the row is closed: ledger_close_or_insert_closed_row() */
	bool own;               /* written by this run, or outside etl-run if
	                         * this loader is outside etl-run too */
	int64_t batch, seq, version;
	int64_t kept;           /* -1: not known */
};

enum ledger_result {
	LEDGER_FAILED = -1,
	LEDGER_ROW_CHANGED, /* the batch is recorded: COMMIT may follow */
	LEDGER_DONE,	    /* it was committed before: roll back and go on
			     * with the next batch */
	LEDGER_AHEAD,	    /* another loader is further in this stream */
	LEDGER_ROW_CLOSED   /* the row is closed: exit with code 75 */
};

/* Moves the row in the batch's transaction, after the batch's rows. */
enum ledger_result ledger_insert_or_move_row(
    struct db *db, const struct ledger *l, struct err *e);
/* For a transaction that writes rows of the batch, but does not move the row:
 * until it ends, no other loader can change the row. LEDGER_ROW_CHANGED: the
 * row still has the number of the batch. The row must exist, so the stream's
 * first batch cannot be locked. */
enum ledger_result ledger_lock_row(
    struct db *db, const struct ledger *l, struct err *e);
/* Call this if the answer to a batch's COMMIT was lost and the batch cannot
 * be repeated. Closes the row, outside a transaction. LEDGER_ROW_CHANGED:
 * the batch was not committed and never will be. LEDGER_DONE: it was
 * committed. */
enum ledger_result ledger_close_or_insert_closed_row(
    struct db *db, const struct ledger *l, struct err *e);
/* Reopens a row that was closed after l->batch batches, outside a transaction.
 * The row gets a batch number that a late COMMIT does not expect, so that this
 * COMMIT fails. A row that is not closed stays as it is. */
int ledger_reopen(struct db *db, const struct ledger *l, struct err *e);
/* Reads the row of l's stream and target, and appends its counts to
 * `counts`, which may be NULL. */
struct buf;
int ledger_read(struct db *db, const struct ledger *l,
    struct ledger_row *row, struct buf *counts, struct err *e);

#endif
