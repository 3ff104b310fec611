#include "loader.h"

#include "base/stop.h"
#include "commit/complete.h"
#include "commit/expect_check.h"
#include "commit/missing_rows.h"
#include "commit/old_rows.h"
#include "commit/tally.h"
#include "control/control.h"
#include "control/runs.h"

/* Loads all chunks of the batch (parts that fit into memory) into the table, in
 * the open transaction, and collects their counts and rejects in l->outcome.
 * After the last chunk the sink checks the deferred constraints (those that are
 * otherwise checked only at COMMIT). */
static enum sink_result
load_chunks_and_settle(struct loader *l, struct err *e)
{
	struct outcome *o = &l->outcome;
	enum sink_result rc = SINK_DONE;
	int more;

	if (old_rows_delete(l, e) == -1 || missing_rows_start(l, e) == -1 ||
	    expect_start(l, e) == -1 ||
	    spool_seal_and_rewind(&l->spool, e) == -1)
		return SINK_FAILED;
	while ((more = spool_next_chunk(&l->spool, e)) == 1) {
		o->chunk = &l->spool;
		if ((rc = l->sink->apply(l->self, o, e)) != SINK_DONE)
			return rc;
		if (missing_rows_note_keys_of_chunk(l, e) == -1 ||
		    outcome_make_reject_lines(o, e) == -1)
			return SINK_FAILED;
		o->ordinal += l->spool.n;
	}
	if (more == -1)
		return SINK_FAILED;
	return l->sink->settle(l->self, e);
}

/* Fails with ERR_LIMIT if the loader and the stages before it have rejected
 * more records than --max-rejects allows. `in` records were loaded or rejected
 * by the loader, `rejected` of them rejected; `upstream` reject lines came in
 * the stream. `ended`: this is the end of the stream. */
static int
check_reject_limit(struct loader *l, uint64_t in, uint64_t rejected,
    uint64_t upstream, bool ended, struct err *e)
{
	const struct reject_tally t =
	    tally_make(l, in, rejected, upstream, ended);

	if (!reject_limit_exceeded(stage_limit(l->stage), &t))
		return 0;
	rejects_count_causes(l);
	return reject_check_limit(stage_limit(l->stage), &t, l->causes,
	    "nothing past the last commit was stored", e);
}

/* Checks that every record of the batch was inserted, updated, unchanged,
 * superseded, skipped or rejected, and that not more records were rejected than
 * --max-rejects allows. A stream with checkpoints and a replay
 * (l->stream.segments) are committed up to the last boundary (the mark
 * `checkpoint`, `resolve` or `end`), so there only the records before this mark
 * are counted. */
static int
check_counts_and_reject_limit(struct loader *l, bool ended, struct err *e)
{
	const struct sums *t = &l->outcome.sums;
	const struct boundary *last = &l->stream.last;
	bool segments = l->stream.segments;
	uint64_t upstream = tally_count_upstream_rejects(l);
	uint64_t due = segments ? last->in : stage_counts(l->stage)->in;
	uint64_t in = l->sums.in + t->in;

	if (t->in != t->inserted + t->updated + t->unchanged +
	    t->superseded + t->skipped + t->deleted + t->missed + t->rejected)
		return err_set(e, ERR_BUG, false, "bug in this program: %llu "
		    "records came in, but %llu were inserted, %llu updated, "
		    "%llu unchanged, %llu superseded, %llu skipped, %llu "
		    "deleted, %llu missed and %llu rejected; nothing of this "
		    "batch was committed; please report it",
		    (unsigned long long)t->in,
		    (unsigned long long)t->inserted,
		    (unsigned long long)t->updated,
		    (unsigned long long)t->unchanged,
		    (unsigned long long)t->superseded,
		    (unsigned long long)t->skipped,
		    (unsigned long long)t->deleted,
		    (unsigned long long)t->missed,
		    (unsigned long long)t->rejected);
	if (in != due)
		return err_set(e, ERR_BUG, false, "bug in this program: %llu "
		    "records were read, but %llu would be committed; nothing "
		    "of this batch was committed; please report it",
		    (unsigned long long)due,
		    (unsigned long long)in);
	return check_reject_limit(
	    l, in, l->sums.rejected + t->rejected, upstream, ended, e);
}

/* Stores the id of the open transaction in l->xid. If the answer to COMMIT is
 * lost, the loader uses this id to ask PostgreSQL whether the transaction was
 * committed. Only plain input (without marks) needs the id: for a marked stream
 * the ledger (table etl_loads) shows whether the batch was committed. */
static int
store_transaction_id_of_plain_input(struct loader *l, struct err *e)
{
	l->xid = 0;
	if (l->marked || db_kind(l->db) != DB_POSTGRESQL)
		return 0;
	return db_int(l->db,
	    "SELECT pg_catalog.pg_current_xact_id()::text::int8", NULL, 0, 0,
	    &l->xid, e);
}

/* Called when the records of the batch are in the table. Stores in the same
 * transaction the dead letters (rejected records, table dead_letters), the
 * progress of the stream (its row in the ledger, table etl_loads) and the
 * checkpoint. Writes the reject lines that are not dead letters to the reject
 * file or to file descriptor 3, then sends COMMIT. Returns 1: the batch is
 * committed; 0: the ledger shows that this batch was committed before, so
 * COMMIT was not sent; -1 with *e. */
static int
store_state_and_commit(struct loader *l, bool ended, struct err *e)
{
	int64_t row = 0;
	int rc = 1;

	if (l->control && control_limit_idle_time(l->db, e) == -1)
		return -1;
	if (l->run != NULL && run_lock_if_running(l->db, l->run, &row, e) == -1)
		return -1;
	if (rejects_store_letters(l, row, e) == -1)
		return -1;
	if (l->marked &&
	    (rc = stream_update_ledger_and_checkpoint(l, ended, e)) != 1)
		return rc;
	if (complete_check_and_raise_version(l, e) == -1)
		return -1;
	if (old_rows_swap_tables(l, e) == -1)
		return -1;
	if (store_transaction_id_of_plain_input(l, e) == -1 ||
	    rejects_write_to_file_or_fd3(l, e) == -1)
		return -1;
	l->sent = l->outcome.sums;
	if (db_commit(l->db, e) == 0)
		return 1;
	l->unknown = db_fault(l->db)->lost;
	return -1;
}

static int
create_control_tables_if_needed(struct loader *l, struct err *e)
{
	if (l->control || (!l->marked && !l->upstream))
		return 0;
	if (control_ensure(l->db, l->o->control_schema, true, e) == -1)
		return -1;
	l->control = true;
	return 0;
}

enum { TRY_AGAIN = 2, TABLE_CHANGED };

/* Loads the batch in one transaction. Returns 1: the batch is committed; 0: the
 * ledger (table etl_loads) shows that this batch was committed before;
 * TRY_AGAIN: the sink has found equal keys or a violated deferred constraint,
 * and the caller must repeat the batch at once, which the sink then loads more
 * carefully; TABLE_CHANGED: the table was altered since the loader has read its
 * columns; -1 with *e. If the result is not 1, the transaction is rolled
 * back. */
static int
try_batch(struct loader *l, bool ended, struct err *e)
{
	bool changed = false;
	int rc = -1;

	outcome_reset_for_try(&l->outcome);
	if (db_is_pooled(l->db))
		l->sink->reset(l->self);
	if (create_control_tables_if_needed(l, e) == -1 ||
	    db_begin(l->db, e) == -1)
		return -1;
	switch (load_chunks_and_settle(l, e)) {
	case SINK_DONE:
		if (table_find_if_changed(
			l->db, l->target.table, &changed, e) == -1)
			break;
		if (changed)
			rc = TABLE_CHANGED;
		else if (check_counts_and_reject_limit(l, ended, e) == 0 &&
		    old_rows_refuse_empty_table(l, e) == 0 &&
		    missing_rows_delete(l, e) == 0 &&
		    expect_check(l, e) == 0)
			rc = store_state_and_commit(l, ended, e);
		break;
	case SINK_REPEAT:
		rc = TRY_AGAIN;
		break;
	case SINK_FAILED:
		loader_roll_back_and_check_table(l, e);
		return -1;
	}
	if (rc != 1)
		db_rollback(l->db);
	return rc;
}

/* Called if the batch is not tried again. If the answer to its COMMIT was lost,
 * the server may still finish this COMMIT after the loader has reported a
 * failure. To prevent this, the function closes the stream's row in the ledger
 * (table etl_loads): the server cannot commit the batch after that. Returns 1:
 * the batch was committed; -1 with *e: the batch was not committed, or the
 * loader cannot find out. */
static int
close_row_if_commit_unknown(struct loader *l, struct err *e)
{
	struct err why = *e;
	int rc = -1;

	if (!l->unknown)
		return -1;
	if (l->marked && (rc = stream_close_ledger_row(l, e)) == 1) {
		l->sink->reset(l->self);
		return 1;
	}
	*e = why;
	if (rc == -1) {
		e->code = ERR_RETRY;
		err_prefix(e, "the connection was lost during COMMIT, so the "
		    "last batch may or may not have been loaded");
	}
	return -1;
}

/* Called if the batch failed with an error that usually passes, such as a
 * deadlock, and all --retries are used up. A trigger may raise such an error
 * for one record, each time. So the batch gets one more try, in which the sink
 * rejects a record with such an error, and loads the others. Returns true if
 * the batch must be tried so. */
static bool
judge_records_after_last_retry(struct loader *l, const struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	struct outcome *o = &l->outcome;

	if (o->judge_all || !e->transient || !f->again || f->lost ||
	    f->sqlstate[0] == '\0' || stop_signal() != 0)
		return false;
	o->judge_all = true;
	return true;
}

/* Tries to commit the batch until it is committed or cannot be tried again.
 * Returns 1: committed, with the counts in l->sent; 0: the ledger (table
 * etl_loads) shows that an earlier try committed the batch; -1 with *e. */
static int
try_until_committed(struct loader *l, bool ended, struct err *e)
{
	uint64_t tries = 0;
	int rc;

	for (;;) {
		while ((rc = try_batch(l, ended, e)) == TRY_AGAIN)
			continue;
		if (rc == TABLE_CHANGED) {
			if (loader_read_table_again(l, e) == -1)
				return -1;
			continue;
		}
		if (rc >= 0)
			return rc;
		if ((rc = loader_reconnect_and_check_commit(l, &tries, e)) == 1)
			return 1;
		if (rc == -1 && !judge_records_after_last_retry(l, e))
			return close_row_if_commit_unknown(l, e) == -1 ? -1 : 0;
	}
}

/* If many records of one key were merged one by one, the next batches get fewer
 * records: the time grows with the square of their number in a batch. Later the
 * batches become larger again, as long as no key comes so often. */
static void
set_limit_of_next_batch(struct loader *l)
{
	enum { EQUAL_KEYS_MAX = 500 };
	uint64_t most = l->outcome.most_equal, full = l->o->batch;

	if (most > EQUAL_KEYS_MAX)
		l->batch_limit = full < EQUAL_KEYS_MAX ? full : EQUAL_KEYS_MAX;
	else if (most <= EQUAL_KEYS_MAX / 2)
		l->batch_limit = l->batch_limit < full / 2 ?
		    2 * l->batch_limit : full;
}

int
batch_commit(struct loader *l, bool ended, struct err *e)
{
	int rc;

	if (l->spool.total == 0 && !l->stream.last.open &&
	    !(ended && (l->marked || l->target.mode->complete ||
	    l->expect.n > 0)))
		return ended ? check_reject_limit(l, l->sums.in,
		    l->sums.rejected, stage_reject_lines(l->stage), true, e) :
		    0;
	outcome_start_batch(&l->outcome);
	l->unknown = false;
	buf_clear(&l->written);
	if ((rc = try_until_committed(l, ended, e)) == -1)
		return -1;
	l->unknown = false;
	l->replaced += l->target.mode->complete;
	rejects_count_causes(l);
	if (rc == 1) {
		sums_add(&l->sums, &l->sent);
		l->stream.kept = stream_count_kept_rejects(l);
	} else if (stream_read_ledger_counts(l, &l->sums, e) == -1) {
		return -1;
	}
	set_limit_of_next_batch(l);
	stream_forget_committed_batch(&l->stream);
	spool_clear(&l->spool);
	return 0;
}
