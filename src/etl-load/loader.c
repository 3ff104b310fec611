#include "loader.h"

#include "base/hash.h"
#include "base/stop.h"
#include "base/text.h"
#include "children.h"
#include "phase.h"
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 200 };       /* bytes of the name of several tables */

const char *
loader_get_name(const struct loader *l)
{
	return l->tables_name != NULL ? l->tables_name :
	    l->tables[0].target.table->full;
}

bool
loader_has_target(const struct loader *l, const char *target)
{
	if (l->list.n > 0 && strcmp(target, l->o->table_from) == 0)
		return true;
	for (size_t i = 0; i < l->ntables; i++)
		if (strcmp(target, l->tables[i].target.table->full) == 0)
			return true;
	return false;
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Appends one name for all tables: their names, sorted, so that it does not
 * depend on their order in --tables. If this is longer than NAME_MOST, appends
 * a hash of it. */
static int
put_tables_name(struct buf *b, const char **names, size_t n, struct err *e)
{
	char hex[HASH_HEX];
	struct hash *h;

	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s", i > 0 ? "," : "", names[i]);
	(void)buf_text(b);
	if (buf_check(b, e) == -1)
		return -1;
	if (b->len <= NAME_MOST)
		return 0;
	if ((h = hash_new()) == NULL)
		return err_nomem(e);
	hash_add(h, b->data, b->len);
	hash_finish(h, hex);
	buf_clear(b);
	buf_printf(b, "%zu tables %s", n, hex);
	(void)buf_text(b);
	return buf_check(b, e);
}

/* Fails if two entries of --tables name the same table. The names are
 * sorted. */
static int
check_twice(const struct loader *l, const char **names, struct err *e)
{
	for (size_t i = 1; i < l->ntables; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return err_set(e, ERR_USAGE, false, "--tables: table "
			    "%s is there twice; give its records one name",
			    names[i]);
	return 0;
}

/* A table of --nested can have the rows of one array only, because each record
 * deletes its old rows there: two arrays would delete the rows of each
 * other. */
static int
check_nested_twice(const struct loader *l, struct err *e)
{
	for (size_t i = l->ntables; i < loader_count_tables(l); i++)
		for (size_t k = 0; k < i; k++) {
			const char *name = l->tables[i].target.table->full;

			if (strcmp(l->tables[k].target.table->full, name) == 0)
				return err_set(e, ERR_USAGE, false,
				    "--nested: table %s is there twice: each "
				    "array needs a table of its own", name);
		}
	return 0;
}

/* Sets l->tables_name, one name for all tables. Fails if two entries name the
 * same table. */
static int
loader_name_tables(struct loader *l, struct err *e)
{
	const char **names;
	struct buf b;
	int rc;

	if (check_nested_twice(l, e) == -1)
		return -1;
	if (l->list.n == 0)
		return 0;
	if ((names = calloc(l->ntables, sizeof(*names))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < l->ntables; i++)
		names[i] = l->tables[i].target.table->full;
	buf_init(&b, SIZE_MAX / 4);
	rc = put_tables_name(&b, names, l->ntables, e);
	if (rc == 0)
		rc = check_twice(l, names, e);
	if (rc == 0) {
		free(l->tables_name);
		if ((l->tables_name = strdup(b.data)) == NULL)
			rc = err_nomem(e);
	}
	buf_release(&b);
	free(names);
	return rc;
}

struct sums
loader_sum_batch(const struct loader *l)
{
	struct sums all = l->route.sums;

	sums_add(&all, &l->batch.left);
	for (size_t i = 0; i < l->ntables; i++)
		sums_add(&all, &l->tables[i].outcome.sums);
	return all;
}

/* Takes the place of the table if --create is given and the input has no record
 * from which the table could be made. The loader then still handles the marks
 * of the stream, such as its checkpoint. The target has no columns. */
static int
open_absent(struct target *t, struct db *db, const struct load_opts *o,
    struct err *e)
{
	*t = (struct target){ .touch = NO_COLUMN, .seen = NO_COLUMN,
		.soft_delete = NO_COLUMN, .newer_by = NO_COLUMN,
		.position = NO_COLUMN,
		.history = { .from = NO_COLUMN, .to = NO_COLUMN,
			.current = NO_COLUMN },
		.mapping = { .extra_column = NO_COLUMN } };
	return load_mode_choose(&t->mode, o, e) == -1 ? -1 :
	    table_new(&t->table, db, o->table, e);
}

int
loader_read_target(const struct loader *l, const struct loaded_table *t,
    struct target *target, struct err *e)
{
	size_t i = (size_t)(t - l->tables);
	int rc = (l->absent ? open_absent : target_open)(
	    target, l->db, &t->o, e);

	if (loader_count_tables(l) > 1)
		(void)snprintf(
		    target->suffix, sizeof(target->suffix), "_%zu", i);
	if (rc == -1 || i < l->ntables)
		return rc;
	i = l->nested_list.v[i - l->ntables].parent;
	target->parent = l->tables[i].o.table;
	return l->absent ? 0 : child_set_columns(target, &l->tables[i].target,
	    l->db, e);
}

static int
open_sink(void **self, struct db *db, const struct target *t, struct err *e)
{
	(void)db, (void)t, (void)e;
	*self = NULL;
	return 0;
}

/* Fails if the chunk has a record, because there is no table for it. */
static enum sink_result
apply_nothing(void *self, struct outcome *o, struct err *e)
{
	(void)self;
	for (size_t i = 0; i < o->chunk->n; i++)
		if (o->chunk->items[i].kind == ITEM_RECORD) {
			(void)err_bug(e, "a record came after the end of the "
			    "input");
			return SINK_FAILED;
		}
	return SINK_DONE;
}

static enum sink_result
settle_nothing(void *self, struct err *e)
{
	(void)self, (void)e;
	return SINK_DONE;
}

static void
do_nothing(void *self)
{
	(void)self;
}

/* The sink of such a table gets no records. */
static const struct sink sink_absent = {
    .open = open_sink,
    .apply = apply_nothing,
    .settle = settle_nothing,
    .reset = do_nothing,
    .close = do_nothing,
};

static const struct sink *const sinks[] = { &sink_sqlite, &sink_pg };

int
loader_open_tables(struct loader *l, struct err *e)
{
	l->sink = l->absent ? &sink_absent : NULL;
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
		if (l->sink == NULL && sinks[i]->kind == db_kind(l->db))
			l->sink = sinks[i];
	if (l->sink == NULL)
		return err_bug(e, "it has no sink for this kind of database");
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		struct loaded_table *t = &l->tables[i];

		if (loader_read_target(l, t, &t->target, e) == -1 ||
		    l->sink->open(&t->self, l->db, &t->target, e) == -1)
			return -1;
	}
	return loader_name_tables(l, e);
}

int
loader_start_chunk(struct loader *l, struct err *e)
{
	const uint16_t *table_of = NULL;

	if (l->list.n > 0) {
		if (route_find_tables(&l->route, &l->batch.spool, e) == -1)
			return -1;
		table_of = l->route.table_of;
	}
	for (size_t i = 0; i < l->ntables; i++)
		outcome_start_chunk(
		    &l->tables[i].outcome, &l->batch.spool, table_of);
	return 0;
}

void
loader_reset_sinks(struct loader *l)
{
	for (size_t i = 0; i < loader_count_tables(l); i++)
		l->sink->reset(l->tables[i].self);
}

enum { NOT_YET = 2 };

/* Stores the id of the open transaction in l->batch.xid. If the answer to
 * COMMIT is lost, the loader uses this id to ask PostgreSQL whether the
 * transaction was committed. Only plain input (without marks) needs the id: for
 * a marked stream the ledger (table etl_loads) shows whether the batch was
 * committed. */
static int
note_xid(struct loader *l, struct err *e)
{
	l->batch.xid = 0;
	if (l->marked || db_kind(l->db) != DB_POSTGRESQL)
		return 0;
	return db_query_int(l->db,
	    "SELECT pg_catalog.pg_current_xact_id()::text::int8", NULL, 0, 0,
	    &l->batch.xid, e);
}

const struct phase xid_phase = { .finish = note_xid };

/* Asks PostgreSQL whether the transaction l->batch.xid, whose COMMIT had no
 * answer, was committed. Returns 1: committed. 0: the caller repeats the batch,
 * because it was not committed, or because the mode is repeatable: a second
 * load of the batch leaves the table as it is. A mode that needs a complete
 * stream repeats only a batch that was not committed: if the first COMMIT
 * succeeds late, the second one fails (stream.c). NOT_YET: the transaction is
 * still in progress, ask again. -1: failed, with *e. */
static int
ask_commit(struct loader *l, struct err *e)
{
	static const char sql[] =
	    "SELECT CASE pg_catalog.pg_xact_status($1::text::xid8)"
	    " WHEN 'committed' THEN 1 WHEN 'aborted' THEN 0"
	    " WHEN 'in progress' THEN 2 ELSE 3 END";
	struct db_value v = DB_I(l->batch.xid);
	int64_t is = 3;

	if (l->batch.xid == 0)
		return 0;
	if (db_query_int(l->db, sql, &v, 1, 3, &is, e) == -1)
		return -1;
	if (is >= 2 &&
	    (!l->mode->repeatable || l->mode->complete)) {
		(void)err_set(e, ERR_RETRY, false, "the connection was lost "
		    "during COMMIT, and the server does not say whether the "
		    "last batch was committed: compare the rows in the table "
		    "before you load it again");
		return is == 2 ? NOT_YET : -1;
	}
	l->batch.xid = 0;
	l->batch.unknown = is >= 2;
	return is == 1;
}

int
batch_recover(struct loader *l, uint64_t *tries, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	struct err first;
	int rc;

	time_limits_explain(l->o, f, e);
	first = *e;
	if (!e->transient || stop_signal() != 0 || (!f->again && !f->lost))
		return -1;
	do {
		if (retry_wait(&l->retry, ++*tries, &first, e) == -1)
			return -1;
		rc = db_reopen(l->db, e);
		if (rc == 0) {
			loader_reset_sinks(l);
			rc = l->batch.unknown ? ask_commit(l, e) : 0;
		}
		if (rc == -1 || rc == NOT_YET)
			first = *e;
	} while (rc == NOT_YET || (rc == -1 && first.transient &&
	    (f->again || f->lost)));
	return rc;
}

int
tables_changed(struct loader *l, bool *changed, struct err *e)
{
	*changed = false;
	for (size_t i = 0; i < loader_count_tables(l) && !*changed; i++)
		if (target_find_change(&l->tables[i].target, l->db, changed,
			e) == -1)
			return -1;
	return 0;
}

const char *
loader_say_stored(const struct loader *l)
{
	return l->o->connections > 1 ? "rows of this batch may be stored, but "
	    "its records count as not loaded, so the next load repeats them" :
	    "nothing of this batch was committed";
}

static void
explain_change(const struct loader *l, const char *sqlstate, const char *table,
    struct err *e)
{
	const char *stored = loader_say_stored(l);
	const struct err why = *e;

	if (strcmp(sqlstate, "42703") == 0 || strcmp(sqlstate, "42P01") == 0)
		(void)err_set(e, ERR_CONFIG, false, "table %s: the table or a "
		    "column was renamed or dropped while the load ran (%s): "
		    "%s; start the load again if the table is as it should be",
		    table, why.msg, stored);
	else if (strcmp(sqlstate, "42P10") == 0)
		(void)err_set(e, ERR_CONFIG, false, "table %s: the unique "
		    "index on the columns of the key was dropped while the "
		    "load ran: %s; make the index again, then start the load "
		    "again", table, stored);
	else
		(void)err_set(e, ERR_RETRY, false, "table %s: a column got "
		    "another type while the load ran: %s; start the load "
		    "again", table, stored);
}

void
loader_explain_fault(struct loader *l, const struct db_fault *f, struct err *e)
{
	bool changed = false;
	struct err none;

	if (e->transient || f->lost || stop_signal() != 0 ||
	    f->sqlstate[0] == '\0')
		return;
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		const struct target *t = &l->tables[i].target;

		if (target_find_change(t, l->db, &changed, &none) == -1 ||
		    !changed)
			continue;
		explain_change(l, f->sqlstate, t->table->name, e);
		return;
	}
}

void
loader_roll_back(struct loader *l, struct err *e)
{
	const struct db_fault f = *db_fault(l->db);

	db_rollback(l->db);
	loader_explain_fault(l, &f, e);
}

enum { FULL, NORMAL };
static const char *const levels[] = { [FULL] = "full", [NORMAL] = "normal",
	NULL };

int
time_limits_check(const struct load_opts *o, struct err *e)
{
	return o->synchronous == NULL ? 0 : suggest_choice(
	    "--synchronous", o->synchronous, levels, e);
}

/* Sets NORMAL only in the journal mode WAL: in any other mode a power loss
 * could damage the file. The file is in another mode only if another process
 * had locked it when this program opened it. */
static int
set_normal(struct loader *l, struct err *e)
{
	int64_t wal;

	if (db_query_int(l->db, "SELECT journal_mode = 'wal' "
	    "FROM pragma_journal_mode", NULL, 0, 0, &wal, e) == -1)
		return -1;
	if (wal)
		return db_script(l->db, "PRAGMA synchronous = NORMAL", e);
	err_warn("etl-load", "--synchronous normal: the database is not in WAL "
	    "mode, so the load uses full");
	return 0;
}

static int
set_synchronous(struct loader *l, struct err *e)
{
	const char *level = l->o->synchronous;

	if (level == NULL)
		return 0;
	if (db_kind(l->db) != DB_SQLITE)
		return err_set(e, ERR_USAGE, false, "--synchronous is for "
		    "SQLite: PostgreSQL has the setting synchronous_commit");
	return strcmp(level, levels[NORMAL]) == 0 ? set_normal(l, e) : 0;
}

int
time_limits_set(struct loader *l, struct err *e)
{
	const struct db_limits limits = { .lock = l->o->lock_timeout,
		.statement = l->o->statement_timeout };

	return db_set_limits(l->db, &limits, e) == -1 ? -1 :
	    set_synchronous(l, e);
}

int
time_limits_init(struct loader *l, struct err *e)
{
	const struct load_opts *o = l->o;

	return o->lock_timeout > 0 || o->statement_timeout > 0 ||
	    o->synchronous != NULL ? time_limits_set(l, e) : 0;
}

static void
prefix_limit(struct err *e, const char *what, const char *option, uint64_t ms)
{
	bool seconds = ms % 1000 == 0;

	err_prefix(e, "%s %s %" PRIu64 "%s", what, option,
	    seconds ? ms / 1000 : ms, seconds ? "s" : "ms");
}

int
time_limits_set_for(struct db *db, const struct load_opts *o, struct err *e)
{
	const struct db_limits limits = { .lock = o->lock_timeout,
		.statement = o->statement_timeout };

	return limits.lock > 0 || limits.statement > 0 ?
	    db_set_limits(db, &limits, e) : 0;
}

void
time_limits_explain(const struct load_opts *o, const struct db_fault *f,
    struct err *e)
{
	if (f->busy && o->lock_timeout > 0)
		prefix_limit(e, "another session has kept a lock for longer "
		    "than", "--lock-timeout", o->lock_timeout);
	else if (f->late && o->statement_timeout > 0)
		prefix_limit(e, "a statement was cancelled, or has run for "
		    "longer than", "--statement-timeout",
		    o->statement_timeout);
}
