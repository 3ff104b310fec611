/* The ledger, table etl_loads: how far each stream has been loaded into each
 * target. A row holds the number of batches that were committed. Each batch
 * adds 1 to this number in its own transaction, but only if it is still the
 * expected number. So no batch can be committed twice. */
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
	const char *counts;     /* JSON: the counts of the stages up to this
	                         * batch */
	int64_t version;        /* the version that the stream's checkpoint has
	                         * after this batch */
	int64_t kept;           /* rejects in counts that are dead letters, or
	                         * in a file or descriptor 3 if this program
	                         * wrote them; -1: not known */
};

struct ledger_row {             /* the committed row; all members are 0 if there
				 * is no row */
	bool there;             /* the row exists */
	bool ended;             /* the stream was loaded to its mark `end` */
	bool taken; /* the row is closed: ledger_close() */
	bool own;               /* the row was written by this run. Outside
	                         * etl-run: it was written outside etl-run,
	                         * too */
	int64_t batch, seq, version;
	int64_t kept;           /* -1: not known */
};

enum ledger_result {
	LEDGER_FAILED = -1,
	LEDGER_ROW_MATCHED,     /* the row had the expected batch number, and
	                         * the call has done its work: COMMIT may
	                         * follow */
	LEDGER_DONE,            /* the batch was committed before: roll back and
	                         * go on with the next batch */
	LEDGER_AHEAD,           /* another loader has loaded more of this
	                         * stream */
	LEDGER_ROW_CLOSED       /* the row is closed: exit with code 75 */
};

/* Records the batch: call this in the batch's transaction, after its rows were
 * written. */
enum ledger_result ledger_record(struct db *db, const struct ledger *l,
    struct err *e);
/* For a transaction that writes rows of the batch but does not record the
 * batch. Locks the ledger row until the transaction ends, so that no other
 * loader can change it. Returns LEDGER_ROW_MATCHED if the row has the expected
 * batch number. The first batch of a stream cannot be locked so, because its
 * row does not exist yet. */
enum ledger_result ledger_lock(struct db *db, const struct ledger *l,
    struct err *e);
/* Call this outside a transaction if the answer to the COMMIT of a batch was
 * lost and the batch cannot be repeated. Closes the row. Returns
 * LEDGER_ROW_MATCHED if the batch was not committed: a COMMIT that arrives
 * later fails. Returns LEDGER_DONE if the batch was committed. */
enum ledger_result ledger_close(struct db *db, const struct ledger *l,
    struct err *e);
/* Reopens a row that was closed after l->batch batches. A row that is not
 * closed stays as it is. The reopened row gets a new batch number, so a late
 * COMMIT, which expects the old one, fails. Call this outside a transaction. */
int ledger_reopen(struct db *db, const struct ledger *l, struct err *e);
/* Reads the row of the stream and target of l. Appends the JSON text of its
 * counts to the buffer `counts`, which may be NULL. */
struct buf;
int ledger_read(struct db *db, const struct ledger *l,
    struct ledger_row *row, struct buf *counts, struct err *e);

#endif
