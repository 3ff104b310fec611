#include "loader.h"

#include "base/stop.h"
#include "open/time_limits.h"

#include <string.h>

/* True if the workers may load the batch: the stream may be committed in parts,
 * and other loaders of the stream can be locked out. */
static bool
workers_may_load(const struct loader *l)
{
	const struct stream *s = &l->stream;

	/* Not in a replay, because the row and the resolved letter of a record
	 * belong in one transaction. Not for the first batch of a marked
	 * stream, because the ledger has no row yet that could be locked. */
	return l->workers.n > 0 && !l->whole && !s->replay &&
	    (!l->marked || s->batches > 0);
}

/* Gives the workers the schema of the control tables. The loader itself finds
 * this schema only at the mark `begin` of a stream, after the workers were
 * opened. */
static int
set_schemas(struct loader *l, struct err *e)
{
	const char *schema = db_schema(l->db);

	for (size_t i = 0; i < l->workers.n && schema != NULL; i++) {
		struct db *db = l->workers.v[i].db;
		const char *has = db_schema(db);

		if ((has == NULL || strcmp(has, schema) != 0) &&
		    db_set_schema(db, schema, e) == -1)
			return -1;
	}
	return 0;
}

static bool
error_may_pass(const struct worker *w)
{
	const struct db_fault *f = db_fault(w->db);

	return w->err.transient && (f->again || f->lost);
}

/* Sets *e to an error that ends the load, if a share has one; otherwise to an
 * error after which the share may be tried again, and *again to true. */
static enum worker_result
find_worst_result(const struct workers *all, bool *again, struct err *e)
{
	bool changed = false, failed = false;

	for (size_t i = 0; i < all->n; i++) {
		const struct worker *w = &all->v[i];

		changed |= !w->idle && w->result == WORKER_TABLE_CHANGED;
		if (w->idle || w->result != WORKER_FAILED)
			continue;
		if (!failed || !error_may_pass(w))
			*e = w->err;
		failed = true;
		*again = error_may_pass(w);
		if (!*again)
			return WORKER_FAILED;
	}
	return changed ? WORKER_TABLE_CHANGED :
	    failed ? WORKER_FAILED : WORKER_COMMITTED;
}

/* Adds to each worker's error the time limit or the change of the table that
 * has caused it. */
static void
explain_errors(struct loader *l)
{
	for (size_t i = 0; i < l->workers.n; i++) {
		struct worker *w = &l->workers.v[i];
		const struct db_fault f = *db_fault(w->db);

		if (w->idle || w->result != WORKER_FAILED)
			continue;
		time_limits_explain(l->o, &f, &w->err);
		loader_explain_fault(l, &f, &w->err);
	}
}

/* Called after the last retry. Some errors, such as a deadlock, usually pass if
 * the statement is repeated. But a trigger can raise such an error each time
 * for the same record. So the sinks of the failed shares get one more try, in
 * which they reject a record with such an error. Returns true if there is such
 * a try. */
static bool
judge_failed(struct workers *all)
{
	bool any = false;

	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->v[i];
		const struct db_fault *f = db_fault(w->db);

		if (w->idle || w->outcome.judge_all || f->lost ||
		    f->sqlstate[0] == '\0' || stop_signal() != 0)
			continue;
		w->outcome.judge_all = any = true;
	}
	return any;
}

static int
reconnect_failed(struct workers *all, struct err *e)
{
	for (size_t i = 0; i < all->n; i++)
		if (!all->v[i].idle && worker_reconnect(&all->v[i], e) == -1)
			return worker_prefix_error(all, i, e);
	return 0;
}

/* Called if a share failed with an error that may pass: waits and connects
 * again. Returns -1 if all --retries are used up. */
static int
reconnect_later(struct loader *l, uint64_t *tries, struct err *e)
{
	struct err first;

	do {
		first = *e;
		if (!first.transient || stop_signal() != 0)
			return -1;
		if (retry_wait(&l->retry, ++*tries, &first, e) == -1)
			return -1;
	} while (reconnect_failed(&l->workers, e) == -1);
	return 0;
}

static void
mark_committed(struct workers *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].result == WORKER_COMMITTED)
			all->v[i].idle = true;
}

/* Loads all shares. Each worker commits its share at once: if it waited for the
 * other workers, one of them could wait for its locks, and both would wait
 * forever. So only the shares that are not yet committed are tried again. */
static enum worker_result
load_shares(struct loader *l, struct err *e)
{
	struct workers *all = &l->workers;
	enum worker_result rc;
	uint64_t tries = 0;
	bool again;

	for (;;) {
		workers_run(all, worker_load_share);
		mark_committed(all);
		explain_errors(l);
		rc = find_worst_result(all, &again, e);
		if (rc != WORKER_FAILED || !again)
			return rc;
		if (reconnect_later(l, &tries, e) == -1 &&
		    !(e->transient && judge_failed(all)))
			return rc;
	}
}

/* Adds the counts and the rejects of the share to those of the chunk. */
static int
collect_outcome(struct worker *w, struct outcome *to, struct err *e)
{
	struct outcome *o = &w->outcome;

	for (size_t i = 0; i < o->refused.n; i++) {
		const struct reject why = refusals_get(&o->refused, i);

		if (refusals_add(&to->refused,
		    w->place[o->refused.v[i].item], &why, e) == -1)
			return -1;
	}
	sums_add(&to->sums, &o->sums);
	if (o->most_equal > to->most_equal)
		to->most_equal = o->most_equal;
	if (to->violated[0] == '\0')
		memcpy(to->violated, o->violated, sizeof(to->violated));
	return 0;
}

static enum worker_result
load_by_workers(struct loader *l, struct err *e)
{
	struct workers *all = &l->workers;
	struct outcome *o = &l->tables[0].outcome;
	enum worker_result rc;

	outcome_start_chunk(o, &l->spool, NULL);
	for (size_t i = 0; i < all->n; i++)
		outcome_start_batch(&all->v[i].outcome);
	if (workers_divide(l, e) == -1)
		return WORKER_FAILED;
	if ((rc = load_shares(l, e)) != WORKER_COMMITTED)
		return rc;
	for (size_t i = 0; i < all->n; i++)
		if (collect_outcome(&all->v[i], o, e) == -1)
			return WORKER_FAILED;
	if (rejects_make(l, e) == -1)
		return WORKER_FAILED;
	outcome_end_chunk(o);
	return WORKER_COMMITTED;
}

enum worker_result
workers_load(struct loader *l, struct err *e)
{
	enum worker_result rc = WORKER_COMMITTED;
	int more;

	if (l->rows_are_stored || !workers_may_load(l))
		return rc;
	if (set_schemas(l, e) == -1 || spool_rewind(&l->spool, e) == -1)
		return WORKER_FAILED;
	while ((more = spool_next_chunk(&l->spool, e)) == 1)
		if ((rc = load_by_workers(l, e)) != WORKER_COMMITTED)
			return rc;
	l->rows_are_stored = more == 0;
	return more == -1 ? WORKER_FAILED : WORKER_COMMITTED;
}
