#include "loader.h"

#include "base/stop.h"
#include "commit/expect_check.h"
#include "commit/keep_before.h"
#include "commit/late_letters.h"
#include "commit/missing_rows.h"
#include "commit/old_rows.h"
#include "commit/tally.h"
#include "control/control.h"
#include "control/runs.h"
#include "emit/emit.h"
#include "ledger/complete.h"
#include "nested/nested.h"

/* True if the table must handle the chunk. With --tables that is only a table
 * with records in the chunk; but in --mode mirror each table must also note the
 * keys of rejected records, and in --mode delete-insert their scopes. */
static bool
table_takes_chunk(const struct loader *l, size_t table)
{
	return l->list.n == 0 || l->mode->mirrors || l->mode->by_scope ||
	    l->route.records[table] > 0;
}

static enum sink_result
load_chunk(struct loader *l, struct err *e)
{
	enum sink_result rc;

	if (loader_start_chunk(l, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < l->ntables; i++) {
		struct loaded_table *t = &l->tables[i];

		if (!table_takes_chunk(l, i))
			continue;
		rc = l->sink->apply(t->self, &t->outcome, e);
		if (rc != SINK_DONE)
			return rc;
		t->outcome.begun = true;
		if (missing_rows_note(l, t, e) == -1 ||
		    old_rows_note_rejects(l, t, e) == -1)
			return SINK_FAILED;
	}
	if (l->nested != NULL && (rc = nested_write_chunk(l, e)) != SINK_DONE)
		return rc;
	if (loader_note_alters(l, e) == -1 || loader_make_rejects(l, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < l->ntables; i++)
		outcome_end_chunk(&l->tables[i].outcome);
	route_count_chunk(&l->route);
	return SINK_DONE;
}

/* Called when the last record of the batch is written. The sink checks the
 * deferred constraints (those that are otherwise checked only at COMMIT). */
static enum sink_result
settle_tables(struct loader *l, struct err *e)
{
	enum sink_result rc = SINK_DONE;

	for (size_t i = 0; i < loader_count_tables(l) && rc == SINK_DONE; i++)
		rc = l->sink->settle(l->tables[i].self, e);
	return rc;
}

/* Forgets the counts and rejects of the failed try. If the workers have
 * committed the rows, keeps them. */
static void
reset_try(struct loader *l)
{
	if (l->rows_are_stored) {
		l->rejects.kept = 0;
		return;
	}
	reject_lines_reset(&l->rejects);
	route_reset(&l->route);
	nested_reset(l);
	l->left = (struct sums){ 0 };
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		outcome_reset(&l->tables[i].outcome);
		evolve_forget(&l->tables[i].evolve);
	}
	if (db_is_pooled(l->db))
		loader_reset_sinks(l);
}

/* Loads all chunks of the batch (parts that fit into memory) into the tables,
 * in the open transaction, and collects their counts and rejects. */
static enum sink_result
load_chunks(struct loader *l, struct err *e)
{
	enum sink_result rc = SINK_DONE;
	int more;

	if (l->stream.judged) {
		if ((rc = late_letters_judge(l, e)) != SINK_DONE)
			return rc;
		reset_try(l);
	}
	if (complete_lock_tables(l, e) == -1 ||
	    keep_before_start(l, e) == -1 ||
	    old_rows_delete(l, e) == -1 ||
	    missing_rows_start(l, e) == -1 ||
	    expect_start(l, e) == -1 ||
	    spool_rewind(&l->spool, e) == -1)
		return SINK_FAILED;
	while ((more = spool_next_chunk(&l->spool, e)) == 1) {
		if (l->stream.judged)
			late_letters_hide(l);
		if ((rc = load_chunk(l, e)) != SINK_DONE)
			return rc;
	}
	return more == -1 ? SINK_FAILED :
	    l->nested != NULL && l->nested->repeat ? SINK_REPEAT :
	    settle_tables(l, e);
}

/* Fails with ERR_LIMIT if the loader and the stages before it have rejected
 * more records than --max-rejects allows. `in` is the number of records that
 * reached the loader, `rejected` how many of them it has rejected, and
 * `upstream` the number of reject lines that came in the stream. `ended` is
 * true at the end of the stream. */
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
	    l->rows_are_stored ? "the rows of the last batch are stored, but "
	    "its records count as not loaded, so the next load repeats them" :
	    "nothing past the last commit was stored", e);
}

/* Checks that every record of the batch was inserted, updated, unchanged,
 * superseded, skipped or rejected, and that not more records were rejected than
 * --max-rejects allows. A stream with checkpoints and a replay
 * (l->stream.segments) are committed up to the last boundary (the mark
 * `checkpoint`, `resolve` or `end`), so only the records before this boundary
 * are counted then. */
static int
check_counts(struct loader *l, bool ended, struct err *e)
{
	const struct sums sums = loader_sum_batch(l), *t = &sums;
	const struct boundary *last = &l->stream.last;
	bool segments = l->stream.segments;
	uint64_t upstream = tally_upstream(l);
	uint64_t due = segments ? last->in : stage_counts(l->stage)->in;
	uint64_t in = l->sums.in + t->in;

	if (t->in != t->inserted + t->updated + t->unchanged +
	    t->superseded + t->skipped + t->deleted + t->missed + t->rejected)
		return err_bug(e, "%llu records came in, but %llu were "
		    "inserted, %llu updated, %llu unchanged, %llu superseded, "
		    "%llu skipped, %llu deleted, %llu missed and %llu "
		    "rejected; %s", (unsigned long long)t->in,
		    (unsigned long long)t->inserted,
		    (unsigned long long)t->updated,
		    (unsigned long long)t->unchanged,
		    (unsigned long long)t->superseded,
		    (unsigned long long)t->skipped,
		    (unsigned long long)t->deleted,
		    (unsigned long long)t->missed,
		    (unsigned long long)t->rejected, loader_say_stored(l));
	if (in != due)
		return err_bug(e, "%llu records were read, but %llu would be "
		    "committed; %s", (unsigned long long)due,
		    (unsigned long long)in, loader_say_stored(l));
	return check_reject_limit(l, in, l->sums.rejected + t->rejected,
	    upstream, ended, e);
}

/* Called when the records of the batch are in the table. Stores in the same
 * transaction the dead letters (rejected records, table dead_letters), the
 * progress of the stream (its row in the ledger, table etl_loads) and the
 * checkpoint. Writes the reject lines that are not dead letters to the reject
 * file or to file descriptor 3, then sends COMMIT. Returns 1: the batch is
 * committed; 0: the ledger shows that this batch was committed before, so
 * COMMIT was not sent; -1 with *e. */
static int
commit_state(struct loader *l, bool ended, struct err *e)
{
	int64_t row = 0;
	int rc = 1;

	if (l->control && control_limit_idle(l->db, e) == -1)
		return -1;
	if (l->run != NULL && run_fence(l->db, l->run, &row, e) == -1)
		return -1;
	if (rejects_store(l, row, e) == -1)
		return -1;
	if (l->marked &&
	    (rc = stream_advance(l, ended, e)) != 1)
		return rc;
	if (old_rows_swap(l, e) == -1)
		return -1;
	if (batch_note_xid(l, e) == -1 ||
	    rejects_write(l, e) == -1 ||
	    complete_store_scopes(l, e) == -1)
		return -1;
	l->sent = loader_sum_batch(l);
	for (size_t i = 0; i < loader_count_tables(l); i++)
		l->tables[i].sent = l->tables[i].outcome.sums;
	emit_keep(l);
	if (db_commit(l->db, e) == 0)
		return 1;
	l->unknown = db_fault(l->db)->lost;
	return -1;
}

/* Creates the control tables, unless they exist or the load does not need
 * them. */
static int
create_control(struct loader *l, struct err *e)
{
	if (l->control ||
	    (!l->marked && !l->upstream && !l->o->keep_before))
		return 0;
	if (control_ensure_tables(l->db, l->o->control_schema, true, e) == -1)
		return -1;
	l->control = true;
	return 0;
}

enum { TRY_AGAIN = 2, TABLE_CHANGED, TABLE_MUST_CHANGE, WORKERS_FAILED };

/* Called when the rows of the batch are in the tables, in the open transaction
 * or committed by the workers. Returns the same as batch_try(). Checks the
 * batch, stores its state and commits it. */
static int
batch_finish(struct loader *l, bool ended, struct err *e)
{
	bool changed = false;

	if (!l->rows_are_stored && tables_changed(l, &changed, e) == -1)
		return -1;
	if (changed)
		return TABLE_CHANGED;
	if (loader_must_alter(l))
		return TABLE_MUST_CHANGE;
	if (check_counts(l, ended, e) == -1 ||
	    old_rows_check_rejects(l, e) == -1 ||
	    old_rows_check_empty(l, e) == -1 ||
	    missing_rows_delete(l, e) == -1 ||
	    expect_judge(l, e) == -1 ||
	    keep_before_store(l, e) == -1 || emit_collect(l, e) == -1)
		return -1;
	return commit_state(l, ended, e);
}

/* Loads the batch in one transaction, and rolls it back if the result is not 1.
 * Returns 1: the batch is committed;
 * 0: the ledger (table etl_loads) shows that it was committed before;
 * TRY_AGAIN: the sink has found equal keys or a violated deferred constraint,
 *   or a table of --nested has refused elements. The caller must repeat the
 *   batch at once: the next try handles these records one by one or rejects
 *   them;
 * TABLE_CHANGED: the table was altered after the loader had read its columns;
 * TABLE_MUST_CHANGE: --evolve can make the table accept refused records;
 * WORKERS_FAILED: with *e, after all retries of --connections;
 * -1: any other failure, with *e. */
static int
batch_try(struct loader *l, bool ended, struct err *e)
{
	bool changed;
	int rc = -1;

	reset_try(l);
	if (create_control(l, e) == -1)
		return -1;
	switch (workers_load(l, e)) {
	case WORKER_COMMITTED:
		break;
	case WORKER_TABLE_CHANGED:
		return TABLE_CHANGED;
	case WORKER_FAILED:
		return WORKERS_FAILED;
	}
	if (db_begin_delayed(l->db, e) == -1)
		return -1;
	switch (l->rows_are_stored ? SINK_DONE : load_chunks(l, e)) {
	case SINK_DONE:
		rc = batch_finish(l, ended, e);
		break;
	case SINK_REPEAT:
		db_rollback(l->db);
		return tables_changed(l, &changed, e) == -1 ?
		    -1 : changed ? TABLE_CHANGED : TRY_AGAIN;
	case SINK_FAILED:
		loader_roll_back(l, e);
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
close_unknown(struct loader *l, struct err *e)
{
	struct err why = *e;
	int rc = -1;

	if (!l->unknown)
		return -1;
	if (l->marked && (rc = stream_close_row(l, e)) == 1) {
		loader_reset_sinks(l);
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
 * for one record, each time. So the batch gets one more try with `judge_all`,
 * in which the sink rejects a record with such an error, and loads the others.
 * Returns true if this try is to be made. */
static bool
start_judging(struct loader *l, const struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	bool judged = l->tables[0].outcome.judge_all;

	if (judged || !e->transient || !f->again || f->lost ||
	    f->sqlstate[0] == '\0' || stop_signal() != 0)
		return false;
	for (size_t i = 0; i < loader_count_tables(l); i++)
		l->tables[i].outcome.judge_all = true;
	return true;
}

/* Tries to commit the batch until it is committed or cannot be tried again.
 * Returns 1: committed, with the counts in l->sent; 0: the ledger (table
 * etl_loads) shows that an earlier try committed the batch; -1 with *e. */
static int
retry_batch(struct loader *l, bool ended, struct err *e)
{
	uint64_t tries = 0;
	int rc;

	for (;;) {
		while ((rc = batch_try(l, ended, e)) == TRY_AGAIN)
			continue;
		if (rc == TABLE_MUST_CHANGE &&
		    (rc = loader_alter_tables(l, e)) == 0)
			rc = TABLE_CHANGED;
		if (rc == TABLE_CHANGED) {
			if (loader_reopen(l, e) == -1)
				return -1;
			continue;
		}
		if (rc == WORKERS_FAILED)
			return -1;
		if (rc >= 0)
			return rc;
		if ((rc = batch_recover(l, &tries, e)) == 1)
			return 1;
		if (rc == -1 && !start_judging(l, e))
			return close_unknown(l, e) == -1 ? -1 : 0;
	}
}

int
batch_commit(struct loader *l, bool ended, struct err *e)
{
	int rc;

	if (l->spool.total == 0 && !l->stream.last.open &&
	    !(ended && (l->marked || l->mode->complete || l->expect.n > 0)))
		return ended ? check_reject_limit(l, l->sums.in,
		    l->sums.rejected, stage_reject_lines(l->stage), true,
		    e) : 0;
	reject_lines_start(&l->rejects);
	for (size_t i = 0; i < loader_count_tables(l); i++)
		outcome_start_batch(&l->tables[i].outcome);
	l->unknown = l->rows_are_stored = false;
	buf_clear(&l->written);
	if ((rc = retry_batch(l, ended, e)) == -1)
		return -1;
	l->unknown = l->rows_are_stored = false;
	complete_note_commit(l);
	l->images_stored = l->o->keep_before;
	late_letters_note(l);
	rejects_count_causes(l);
	if (rc == 1) {
		sums_add(&l->sums, &l->sent);
		l->stream.kept = stream_count_kept(l);
	} else if (stream_read_counts(l, &l->sums, e) == -1) {
		return -1;
	}
	for (size_t i = 0; i < loader_count_tables(l); i++)
		sums_add(&l->tables[i].sums, &l->tables[i].sent);
	batch_set_limit(l);
	stream_forget_batch(&l->stream);
	spool_clear(&l->spool);
	return emit_write_committed(l, e);
}
