#include "loader.h"

#include "control/control.h"
#include "control/runs.h"

/* Applies all chunks of the batch in the open transaction. */
static enum sink_result
apply_chunks(struct loader *l, struct err *e)
{
	struct outcome *o = &l->outcome;
	enum sink_result rc = SINK_DONE;
	int more;

	if (spool_rewind(&l->spool, e) == -1)
		return SINK_FAILED;
	while ((more = spool_next(&l->spool, e)) == 1) {
		o->chunk = &l->spool;
		if ((rc = l->sink->apply(l->self, o, e)) != SINK_DONE)
			return rc;
		if (outcome_add_upstream(o, e) == -1)
			return SINK_FAILED;
		o->ordinal += l->spool.n;
	}
	if (more == -1)
		return SINK_FAILED;
	return l->sink->settle(l->self, e);
}

/* Checks that every record of the batch has an outcome, and that not too many
 * were rejected. In a stream of segments only the records before the last
 * boundary count: later ones are not in the batch. */
static int
check_counts(struct loader *l, struct err *e)
{
	const struct sums *t = &l->outcome.sums;
	const struct boundary *last = &l->stream.last;
	bool segments = l->stream.segments;
	uint64_t upstream =
	    segments ? last->seen : stage_reject_lines(l->stage);
	uint64_t due = segments ? last->in : stage_counts(l->stage)->in;
	uint64_t rejected = l->sums.rejected + t->rejected + upstream;
	uint64_t in = l->sums.in + t->in;
	uint64_t seen = in + upstream;

	if (t->in != t->inserted + t->updated + t->unchanged +
	    t->superseded + t->skipped + t->rejected)
		return err_set(e, ERR_BUG, false, "bug in this program: %llu "
		    "records came in, but %llu were inserted, %llu updated, "
		    "%llu unchanged, %llu superseded, %llu skipped and %llu "
		    "rejected; nothing of this batch was committed; please "
		    "report it",
		    (unsigned long long)t->in,
		    (unsigned long long)t->inserted,
		    (unsigned long long)t->updated,
		    (unsigned long long)t->unchanged,
		    (unsigned long long)t->superseded,
		    (unsigned long long)t->skipped,
		    (unsigned long long)t->rejected);
	if (in != due)
		return err_set(e, ERR_BUG, false, "bug in this program: %llu "
		    "records were read, but %llu would be committed; nothing "
		    "of this batch was committed; please report it",
		    (unsigned long long)due,
		    (unsigned long long)in);
	if (!reject_limit_exceeded(stage_limit(l->stage), rejected, seen))
		return 0;
	rejects_count_causes(l);
	return reject_check_limit(
	    stage_limit(l->stage), rejected, seen, l->causes, e);
}

/* Remembers the transaction's id. If the answer to COMMIT is lost, the
 * server is asked by this id whether it was done. Only plain input needs
 * this: a marked stream has a row in the ledger that says so. */
static int
remember_transaction(struct loader *l, struct err *e)
{
	l->xid = 0;
	if (l->marked || db_kind(l->db) != DB_POSTGRESQL)
		return 0;
	return db_int(l->db, "SELECT pg_current_xact_id()::text::int8", NULL,
	    0, 0, &l->xid, e);
}

/* Everything between the batch's rows and its COMMIT, and the COMMIT. 1, 0 if
 * the ledger says that this batch was committed before, -1. */
static int
finish_transaction(struct loader *l, bool ended, struct err *e)
{
	int64_t row = 0;
	int rc = 1;

	if (l->control && control_limit_idle_time(l->db, e) == -1)
		return -1;
	if (l->run != NULL && run_check_running(l->db, l->run, &row, e) == -1)
		return -1;
	if (rejects_store(l, row, e) == -1)
		return -1;
	if (l->marked && (rc = stream_move_row(l, ended, e)) != 1)
		return rc;
	if (remember_transaction(l, e) == -1 || rejects_write_out(l, e) == -1)
		return -1;
	l->sent = l->outcome.sums;
	if (db_commit(l->db, e) == 0)
		return 1;
	l->unknown = db_fault(l->db)->lost;
	return -1;
}

static int
ensure_control_tables(struct loader *l, struct err *e)
{
	if (l->control || (!l->marked && !l->upstream))
		return 0;
	if (control_ensure(l->db, e) == -1)
		return -1;
	l->control = true;
	return 0;
}

/* 1 committed, 0 it was committed before, TRY_AGAIN: repeat the batch at once
 * (the sink will be more careful), -1. */
enum { TRY_AGAIN = 2 };

static int
try_batch(struct loader *l, bool ended, struct err *e)
{
	int rc = -1;

	outcome_clear(&l->outcome);
	if (ensure_control_tables(l, e) == -1 || db_begin(l->db, e) == -1)
		return -1;
	switch (apply_chunks(l, e)) {
	case SINK_DONE:
		if (check_counts(l, e) == 0)
			rc = finish_transaction(l, ended, e);
		break;
	case SINK_REPEAT:
		rc = TRY_AGAIN;
		break;
	case SINK_FAILED:
		break;
	}
	if (rc != 1)
		db_rollback(l->db);
	return rc;
}

/* The batch has failed for good. If the answer to its COMMIT was lost, the
 * COMMIT may still be done later: close the stream's row in the ledger, so
 * that the exit code is true. 1 the COMMIT was done, -1 it was not, or
 * nobody knows. */
static int
settle_failed_batch(struct loader *l, struct err *e)
{
	struct err why = *e;
	int rc = -1;

	if (!l->unknown)
		return -1;
	if (l->marked && (rc = stream_give_up(l, e)) == 1) {
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

/* Tries the batch until it is committed: 1, or 0 if it was committed before;
 * -1. */
static int
try_until_committed(struct loader *l, bool ended, struct err *e)
{
	uint64_t tries = 0;
	int rc;

	for (;;) {
		while ((rc = try_batch(l, ended, e)) == TRY_AGAIN)
			continue;
		if (rc >= 0)
			return rc;
		if ((rc = loader_reconnect(l, &tries, e)) == 1)
			return 1;
		if (rc == -1)
			return settle_failed_batch(l, e) == -1 ? -1 : 0;
	}
}

int
batch_commit(struct loader *l, bool ended, struct err *e)
{
	int rc;

	if (l->spool.total == 0 && !ended && !l->stream.last.open)
		return 0;
	outcome_begin(&l->outcome);
	l->unknown = false;
	buf_clear(&l->written);
	if ((rc = try_until_committed(l, ended, e)) == -1)
		return -1;
	l->unknown = false;
	rejects_count_causes(l);
	if (rc == 1)
		sums_add(&l->sums, &l->sent);
	else if (stream_read_counts(l, &l->sums, e) == -1)
		return -1;
	stream_batch_done(&l->stream);
	spool_clear(&l->spool);
	return 0;
}
