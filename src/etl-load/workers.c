#include "workers.h"

#include "base/stop.h"
#include "control/control.h"
#include "control/runs.h"
#include "keys.h"
#include "loader.h"
#include "phase.h"
#include "stream.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct worker {
	const struct loader *loader;
	struct db *db;
	void *self;                     /* the sink's own state */
	struct outcome outcome;         /* of the share */
	struct spool share;             /* borrows the text of the chunk */
	size_t *place;                  /* by item of the share: the item of
	                                 * the chunk */
	size_t room;                    /* items that fit into the share */
	size_t from, to;                /* the items of the chunk for which this
	                                 * worker finds the share */
	bool unsure;                    /* some of these may be other spellings
	                                 * of a key: one worker must load all */
	bool idle;                      /* has no share, or has committed it */
	int64_t xid;                    /* the transaction whose COMMIT has had
	                                 * no answer; 0: none */
	enum worker_result result;
	struct err err;                 /* with WORKER_FAILED */
};

struct workers {
	struct worker *v;
	size_t n;
	struct key_hash hash;
	unsigned char *share_of;        /* by item of the chunk: the worker */
	size_t room;
	struct buf settings;            /* script: those of --ddl */
};

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

/* Called after a COMMIT without an answer. If the server says that the share
 * was committed, the worker becomes idle. If the server says that it was not,
 * or does not know, the share is loaded again, which gives the same rows.
 * Returns -1 with *e if the server cannot be asked or the transaction has not
 * ended. */
static int
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

/* Loads the worker's share in a transaction and commits it. Sets w->result. If
 * the sink returns SINK_REPEAT, loads the share again at once. In the second
 * try the sink finds the bad records one by one. */
static void
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

struct work {
	pthread_t thread;
	struct worker *worker;
	void (*run)(struct worker *);
	bool started;
};

static void *
run_in_thread(void *arg)
{
	struct work *w = arg;

	w->run(w->worker);
	return NULL;
}

/* If this fails, the worker gets the error. */
static void
start_thread(struct work *w)
{
	int error = pthread_create(&w->thread, NULL, run_in_thread, w);

	w->started = error == 0;
	if (w->started)
		return;
	w->worker->result = WORKER_FAILED;
	(void)err_set(&w->worker->err, ERR_RETRY, false, "--connections: "
	    "cannot start a thread: %s", strerror(error));
}

/* Calls run() for each worker that is not idle, each in a thread of its own,
 * and waits until all threads have ended. The threads block all signals, so
 * that the signal handler runs in the calling thread. The threads themselves
 * test stop_signal(). */
static void
workers_run(struct workers *all, void (*run)(struct worker *))
{
	struct work work[CONNECTIONS_MAX] = { 0 };
	sigset_t every, before;

	(void)sigfillset(&every);
	(void)pthread_sigmask(SIG_SETMASK, &every, &before);
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].idle)
			continue;
		work[i].worker = &all->v[i];
		work[i].run = run;
		start_thread(&work[i]);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < all->n; i++)
		if (work[i].started)
			(void)pthread_join(work[i].thread, NULL);
}

/* Finds the worker for the records w->from to w->to of the chunk. A record
 * without a readable key goes to the first worker, which rejects it. */
static int
find_shares(struct worker *w, struct buf *scratch)
{
	const struct loader *l = w->loader;
	const struct workers *all = l->workers;
	uint64_t hash;

	for (size_t i = w->from; i < w->to; i++) {
		const struct line line = spool_get_line(&l->batch.spool, i);

		all->share_of[i] = 0;
		if (l->batch.spool.items[i].kind != ITEM_RECORD)
			continue;
		switch (key_hash_make(&all->hash, &w->outcome.reader, &line,
		    scratch, &hash, &w->err)) {
		case KEY_HASH_MADE:
			all->share_of[i] = (unsigned char)(hash % all->n);
			break;
		case KEY_HASH_UNSURE:
			w->unsure = true;
			break;
		case KEY_HASH_NONE:
			break;
		case KEY_HASH_FAILED:
			return -1;
		}
	}
	return 0;
}

static void
find_own_shares(struct worker *w)
{
	struct buf scratch;

	buf_init(&scratch, SIZE_MAX / 2);
	w->result = find_shares(w, &scratch) == -1 ?
	    WORKER_FAILED : WORKER_COMMITTED;
	buf_release(&scratch);
}

static int
grow_share(struct worker *w, size_t n, struct err *e)
{
	struct item *items;
	size_t *place;

	if (n <= w->room)
		return 0;
	items = realloc(w->share.items, n * sizeof(*items));
	if (items == NULL)
		return err_nomem(e);
	w->share.items = items;
	if ((place = realloc(w->place, n * sizeof(*place))) == NULL)
		return err_nomem(e);
	w->place = place;
	w->room = n;
	return 0;
}

static int
grow_shares(struct loader *l, struct err *e)
{
	struct workers *all = l->workers;
	const size_t n = l->batch.spool.n;
	unsigned char *p;

	for (size_t i = 0; i < all->n; i++)
		if (grow_share(&all->v[i], n, e) == -1)
			return -1;
	if (n <= all->room)
		return 0;
	if ((p = realloc(all->share_of, n)) == NULL)
		return err_nomem(e);
	all->share_of = p;
	all->room = n;
	return 0;
}

static void
add_to_share(struct worker *w, const struct spool *chunk, size_t i)
{
	w->place[w->share.n] = i;
	w->share.items[w->share.n++] = chunk->items[i];
	w->idle = false;
}

/* Divides the records of the chunk among the workers, by the hash of their
 * keys. Each worker computes the hashes of a part of the chunk, in its
 * thread. */
static int
workers_divide(struct loader *l, struct err *e)
{
	struct workers *all = l->workers;
	const struct spool *chunk = &l->batch.spool;
	bool unsure = false;

	if (grow_shares(l, e) == -1)
		return -1;
	for (size_t i = 0; i < all->n; i++) {
		struct worker *w = &all->v[i];

		w->from = chunk->n * i / all->n;
		w->to = chunk->n * (i + 1) / all->n;
		w->unsure = w->idle = false;
		w->share.data = chunk->data;
		w->share.n = 0;
	}
	workers_run(all, find_own_shares);
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].result == WORKER_FAILED) {
			*e = all->v[i].err;
			return -1;
		}
		all->v[i].idle = true;
		unsure |= all->v[i].unsure;
	}
	for (size_t i = 0; i < chunk->n; i++)
		if (chunk->items[i].kind == ITEM_RECORD)
			add_to_share(&all->v[unsure ? 0 : all->share_of[i]],
			    chunk, i);
	return 0;
}

/* The script of --ddl may have set options of the session, such as search_path
 * and the role. The workers need the same options but must not run the script,
 * which may do more. So this function makes a script that only sets these
 * options. Does nothing without --ddl, and on a connection of a pool. */
static int
read_ddl_settings(struct loader *l, struct err *e)
{
	struct buf *b = &l->workers->settings;
	struct db_rows *r;
	int rc;

	buf_clear(b);
	if (l->o->ddl == NULL || db_is_pooled(l->db))
		return 0;
	if (db_query(l->db, &r, db_sql(l->db, SQL_SESSION_SETTINGS), NULL, 0,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1)
		buf_add(b, db_column(r, 0).p, db_column(r, 0).len);
	db_end(r);
	(void)buf_text(b);
	return rc == -1 ? -1 : buf_check(b, e);
}

/* Sets the options of the session as --ddl has set them, and the time
 * limits. */
static int
set_session(struct worker *w, struct err *e)
{
	const struct loader *l = w->loader;
	const struct buf *settings = &l->workers->settings;

	if (settings->len > 0 && db_script(w->db, settings->data, e) == -1)
		return -1;
	return time_limits_set_for(w->db, l->o, e);
}

static int
open_worker(struct worker *w, struct loader *l, struct err *e)
{
	struct loaded_table *t = &l->tables[0];

	w->loader = l;
	spool_init(&w->share);
	if (db_open(&w->db, l->o->db, e) == -1 ||
	    set_session(w, e) == -1 ||
	    l->sink->open(&w->self, w->db, &t->target, e) == -1)
		return -1;
	return outcome_init(
	    &w->outcome, l->stage, &t->target, l->duplicates, e);
}

static void
close_worker(struct worker *w)
{
	if (w->loader == NULL)
		return;
	if (w->self != NULL)
		w->loader->sink->close(w->self);
	outcome_release(&w->outcome);
	db_close(w->db);
	free(w->share.items);
	free(w->place);
}

/* Connects again after the worker's connection was lost. If the answer to its
 * COMMIT was lost too, asks the server whether the share was committed: then
 * the worker becomes idle. */
static int
worker_reconnect(struct worker *w, struct err *e)
{
	if (db_reopen(w->db, e) == -1)
		return -1;
	w->loader->sink->reset(w->self);
	return set_session(w, e) == -1 ? -1 : worker_ask_commit(w, e);
}

/* Puts the number of the connection in front of the error. Returns -1. */
static int
worker_prefix_error(const struct workers *all, size_t i, struct err *e)
{
	err_prefix(e, "connection %zu of --connections %zu", i + 1, all->n);
	return -1;
}

int
workers_open(struct loader *l, struct err *e)
{
	const struct loaded_table *t = &l->tables[0];
	const char *why = NULL;
	struct workers *all;

	if (l->o->connections == 1)
		return 0;
	if (l->sink->why_not_split == NULL)
		return err_set(e, ERR_USAGE, false, "--connections is for "
		    "PostgreSQL: in SQLite only one connection can write at "
		    "a time");
	if (l->sink->why_not_split(t->self, &why, e) == -1)
		return -1;
	if (why != NULL) {
		err_warnf("etl-load", "--connections: table %s: %s: the load "
		    "uses one connection", t->target.table->name, why);
		return 0;
	}
	if ((all = l->workers = calloc(1, sizeof(*all))) == NULL)
		return err_nomem(e);
	buf_init(&all->settings, SIZE_MAX / 4);
	l->connections = l->o->connections;
	if (key_hash_open(&all->hash, &t->target, e) == -1)
		return -1;
	if (l->o->plan)
		return 0;
	if ((all->v = calloc(l->connections, sizeof(*all->v))) == NULL)
		return err_nomem(e);
	all->n = l->connections;
	if (read_ddl_settings(l, e) == -1)
		return -1;
	for (size_t i = 0; i < all->n; i++)
		if (open_worker(&all->v[i], l, e) == -1)
			return worker_prefix_error(all, i, e);
	return 0;
}

const struct phase workers_phase = { .check = workers_open };

void
workers_close(struct loader *l)
{
	struct workers *all = l->workers;

	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++)
		close_worker(&all->v[i]);
	free(all->v);
	free(all->share_of);
	key_hash_close(&all->hash);
	buf_release(&all->settings);
	free(all);
	l->workers = NULL;
	l->connections = 0;
}

/* True if the workers may load the batch: the stream may be committed in parts,
 * and other loaders of the stream can be locked out. */
static bool
workers_may_load(const struct loader *l)
{
	const struct stream *s = &l->stream;

	/* Not in a replay, because the row and the resolved letter of a record
	 * belong in one transaction. Not for the first batch of a marked
	 * stream, because the ledger has no row yet that could be locked. */
	return l->workers != NULL && !l->whole && !s->replay &&
	    (!l->marked || s->batches > 0);
}

/* Gives the workers the schema of the control tables. The loader itself finds
 * this schema only at the mark `begin` of a stream, after the workers were
 * opened. */
static int
set_schemas(struct loader *l, struct err *e)
{
	const char *schema = db_schema(l->db);

	for (size_t i = 0; i < l->workers->n && schema != NULL; i++) {
		struct db *db = l->workers->v[i].db;
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
	for (size_t i = 0; i < l->workers->n; i++) {
		struct worker *w = &l->workers->v[i];
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
	} while (reconnect_failed(l->workers, e) == -1);
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
	struct workers *all = l->workers;
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
	struct workers *all = l->workers;
	struct outcome *o = &l->tables[0].outcome;
	enum worker_result rc;

	outcome_start_chunk(o, &l->batch.spool, NULL);
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

	if (l->batch.rows_are_stored || !workers_may_load(l))
		return rc;
	if (set_schemas(l, e) == -1 || spool_rewind(&l->batch.spool, e) == -1)
		return WORKER_FAILED;
	while ((more = spool_next_chunk(&l->batch.spool, e)) == 1)
		if ((rc = load_by_workers(l, e)) != WORKER_COMMITTED)
			return rc;
	l->batch.rows_are_stored = more == 0;
	return more == -1 ? WORKER_FAILED : WORKER_COMMITTED;
}
