#include "loader.h"

#include "control/control.h"
#include "control/runs.h"

/* Keeps other loaders of the stream from going on until this transaction ends,
 * and fails if one has gone on already: the rows of this share would then
 * overwrite newer ones. Locks the same rows in the same order as the commit of
 * the batch does. */
static int
lock_state_of_stream(const struct worker *w, struct err *e)
{
	const struct loader *l = w->loader;
	int64_t row;

	if (!l->marked)
		return 0;
	if (control_limit_idle_time(w->db, e) == -1)
		return -1;
	if (l->run != NULL && run_lock_if_running(w->db, l->run, &row, e) == -1)
		return -1;
	return stream_lock_ledger_and_checkpoint(l, w->db, e);
}

static enum sink_result
apply_share(struct worker *w)
{
	const struct sink *sink = w->loader->sink;
	enum sink_result rc;

	outcome_reset_for_try(&w->outcome);
	outcome_start_chunk(&w->outcome, &w->share, NULL);
	rc = sink->apply(w->self, &w->outcome, &w->err);
	return rc == SINK_DONE ? sink->settle(w->self, &w->err) : rc;
}

static enum worker_result
lock_and_commit(struct worker *w)
{
	bool changed = false;

	if (table_find_if_changed(w->db, w->outcome.target->table, &changed,
	    &w->err) == -1)
		return WORKER_FAILED;
	if (changed)
		return WORKER_TABLE_CHANGED;
	return lock_state_of_stream(w, &w->err) == -1 ||
	    db_commit(w->db, &w->err) == -1 ? WORKER_FAILED : WORKER_COMMITTED;
}

/* If the sink wants to load the share again, more carefully, this is done at
 * once. */
void
worker_load_share(struct worker *w)
{
	enum sink_result rc;

	w->result = WORKER_FAILED;
	if (db_is_pooled(w->db))
		w->loader->sink->reset(w->self);
	do {
		if (db_begin(w->db, &w->err) == -1)
			return;
		rc = apply_share(w);
		if (rc == SINK_DONE)
			w->result = lock_and_commit(w);
		if (w->result != WORKER_COMMITTED)
			db_rollback(w->db);
	} while (rc == SINK_REPEAT);
}
