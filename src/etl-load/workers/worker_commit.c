#include "loader.h"

#include "control/control.h"
#include "control/runs.h"

/* Locks the state of the stream, so that no other loader can load more of the
 * stream until this transaction ends. Fails if another loader has done so
 * already: the rows of this share would then overwrite newer ones. Locks the
 * same rows in the same order as the commit of the batch, so that the two
 * cannot deadlock. */
static int
lock_stream(const struct worker *w, struct err *e)
{
	const struct loader *l = w->loader;
	int64_t row;

	if (!l->marked)
		return 0;
	if (control_limit_idle(w->db, e) == -1)
		return -1;
	if (l->run != NULL && run_fence(w->db, l->run, &row, e) == -1)
		return -1;
	return stream_lock(l, w->db, e);
}

static enum sink_result
write_share(struct worker *w)
{
	const struct sink *sink = w->loader->sink;
	enum sink_result rc;

	outcome_reset(&w->outcome);
	outcome_start_chunk(&w->outcome, &w->share, NULL);
	rc = sink->apply(w->self, &w->outcome, &w->err);
	return rc == SINK_DONE ? sink->settle(w->self, &w->err) : rc;
}

/* If the answer to COMMIT is lost, keeps the id of the transaction in
 * w->xid. */
static enum worker_result
commit_share(struct worker *w)
{
	int64_t xid = 0;

	if (db_query_int(w->db,
	    "SELECT pg_catalog.pg_current_xact_id_if_assigned()" "::text::int8",
	    NULL, 0, 0, &xid, &w->err) == -1)
		return WORKER_FAILED;
	if (db_commit(w->db, &w->err) == 0)
		return WORKER_COMMITTED;
	if (db_fault(w->db)->lost)
		w->xid = xid;
	return WORKER_FAILED;
}

/* Commits the share, unless the table was altered since its columns were
 * read. */
static enum worker_result
finish_share(struct worker *w)
{
	bool changed = false;

	if (target_find_change(w->outcome.target, w->db, &changed,
	    &w->err) == -1)
		return WORKER_FAILED;
	if (changed)
		return WORKER_TABLE_CHANGED;
	return lock_stream(w, &w->err) == -1 ? WORKER_FAILED :
	    commit_share(w);
}

int
worker_ask_commit(struct worker *w, struct err *e)
{
	static const char sql[] =
	    "SELECT CASE pg_catalog.pg_xact_status($1::text::xid8)"
	    " WHEN 'committed' THEN 1 WHEN 'in progress' THEN 2 ELSE 0 END";
	struct db_value v = DB_I(w->xid);
	int64_t is = 0;

	if (w->xid == 0)
		return 0;
	if (db_query_int(w->db, sql, &v, 1, 0, &is, e) == -1)
		return -1;
	if (is == 2)
		return err_set(e, ERR_RETRY, true, "the connection was lost "
		    "during COMMIT, and the server has not ended the "
		    "transaction yet, so it is not known whether the batch is "
		    "committed");
	w->xid = 0;
	if (is == 1)
		w->result = WORKER_COMMITTED;
	w->idle |= is == 1;
	return 0;
}

/* If the sink returns SINK_REPEAT, loads the share again at once. In the second
 * try the sink finds the bad records one by one. */
void
worker_load_share(struct worker *w)
{
	enum sink_result rc;

	w->result = WORKER_FAILED;
	w->xid = 0;
	if (db_is_pooled(w->db))
		w->loader->sink->reset(w->self);
	do {
		if (db_begin(w->db, &w->err) == -1)
			return;
		rc = write_share(w);
		if (rc == SINK_DONE)
			w->result = finish_share(w);
		if (w->result != WORKER_COMMITTED)
			db_rollback(w->db);
	} while (rc == SINK_REPEAT);
}
