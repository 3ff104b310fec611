#include "loader.h"

#include "db/control.h"
#include "db/runs.h"

/* All chunks into the open transaction. */
static enum sink_result
apply(struct loader *l, struct err *e)
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
		if (outcome_upstream(o, e) == -1)
			return SINK_FAILED;
		o->ordinal += l->spool.n;
	}
	if (more == -1)
		return SINK_FAILED;
	return l->sink->settle(l->self, e);
}

static int
check(struct loader *l, struct err *e)
{
	const struct sums *t = &l->outcome.sums;
	const struct boundary *last = &l->stream.last;
	bool edge = l->stream.segments;
	uint64_t upstream = edge ? last->seen : stage_seen(l->stage);
	uint64_t due = edge ? last->in : stage_counts(l->stage)->in;
	uint64_t rejected = l->sums.rejected + t->rejected + upstream;
	uint64_t in = l->sums.in + t->in;
	uint64_t seen = in + upstream;

	if (t->in != t->inserted + t->updated + t->unchanged +
	    t->superseded + t->skipped + t->rejected)
		return err_set(e, ERR_BUG, false, "own counts do not add up: "
		    "%llu in, %llu inserted, %llu updated, %llu unchanged, "
		    "%llu superseded, %llu skipped, %llu rejected",
		    (unsigned long long)t->in,
		    (unsigned long long)t->inserted,
		    (unsigned long long)t->updated,
		    (unsigned long long)t->unchanged,
		    (unsigned long long)t->superseded,
		    (unsigned long long)t->skipped,
		    (unsigned long long)t->rejected);
	if (in != due)
		return err_set(e, ERR_BUG, false, "own counts do not add up: "
		    "%llu records read, %llu to be committed",
		    (unsigned long long)due,
		    (unsigned long long)in);
	if (!reject_over(stage_limit(l->stage), rejected, seen))
		return 0;
	rejects_causes(l);
	return reject_check(stage_limit(l->stage), rejected, seen, l->causes,
	    e);
}

/* Plain input has no ledger row: the transaction's own number decides what a
 * lost answer to COMMIT meant. */
static int
number(struct loader *l, struct err *e)
{
	l->xid = 0;
	if (l->marked || db_kind(l->db) != DB_POSTGRESQL)
		return 0;
	return db_int(l->db, "SELECT pg_current_xact_id()::text::int8", NULL,
	    0, 0, &l->xid, e);
}

/* From the data to the commit. 1, 0 where it was committed before, -1. */
static int
finish(struct loader *l, bool ended, struct err *e)
{
	int64_t row = 0;
	int rc = 1;

	if (l->control && control_hold(l->db, e) == -1)
		return -1;
	if (l->run != NULL && run_fence(l->db, l->run, &row, e) == -1)
		return -1;
	if (rejects_store(l, row, e) == -1)
		return -1;
	if (l->marked && (rc = stream_move(l, ended, e)) != 1)
		return rc;
	if (number(l, e) == -1 || rejects_aside(l, e) == -1)
		return -1;
	l->sent = l->outcome.sums;
	if (db_commit(l->db, e) == 0)
		return 1;
	l->unknown = db_fault(l->db)->lost;
	return -1;
}

static int
tables_ensure(struct loader *l, struct err *e)
{
	if (l->control || (!l->marked && !l->upstream))
		return 0;
	if (control_ensure(l->db, e) == -1)
		return -1;
	l->control = true;
	return 0;
}

/* 1 committed, 0 it was committed before, TRY_ANEW: at once, -1. */
enum { TRY_ANEW = 2 };

static int
try_batch(struct loader *l, bool ended, struct err *e)
{
	int rc = -1;

	outcome_clear(&l->outcome);
	if (tables_ensure(l, e) == -1 || db_begin(l->db, e) == -1)
		return -1;
	switch (apply(l, e)) {
	case SINK_DONE:
		if (check(l, e) == 0)
			rc = finish(l, ended, e);
		break;
	case SINK_ANEW:
		rc = TRY_ANEW;
		break;
	case SINK_FAILED:
		break;
	}
	if (rc != 1)
		db_rollback(l->db);
	return rc;
}

/* The batch fails for good: but what if a COMMIT whose answer was lost is done
 * yet? 1 it was done, -1. */
static int
batch_fail(struct loader *l, struct err *e)
{
	struct err why = *e;
	int rc = -1;

	if (!l->unknown)
		return -1;
	if (l->marked && (rc = stream_give_up(l, e)) == 1) {
		l->sink->fresh(l->self);
		return 1;
	}
	*e = why;
	if (rc == -1) {
		e->code = ERR_RETRY;
		err_prefix(e, "whether the last batch was loaded is not "
		    "known");
	}
	return -1;
}

/* Until it is committed: 1, or 0 where that was so before. */
static int
batch_try(struct loader *l, bool ended, struct err *e)
{
	uint64_t tries = 0;
	int rc;

	for (;;) {
		while ((rc = try_batch(l, ended, e)) == TRY_ANEW)
			continue;
		if (rc >= 0)
			return rc;
		if ((rc = loader_recover(l, &tries, e)) == 1)
			return 1;
		if (rc == -1)
			return batch_fail(l, e) == -1 ? -1 : 0;
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
	buf_clear(&l->told);
	if ((rc = batch_try(l, ended, e)) == -1)
		return -1;
	l->unknown = false;
	rejects_causes(l);
	if (rc == 1)
		sums_add(&l->sums, &l->sent);
	else if (stream_counts(l, &l->sums, e) == -1)
		return -1;
	stream_done(&l->stream);
	spool_clear(&l->spool);
	return 0;
}
