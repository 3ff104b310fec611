#include "open.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/stop.h"
#include "base/text.h"
#include "children.h"
#include "create.h"
#include "loader.h"
#include "nested.h"
#include "phase.h"
#include "sink.h"
#include "stream/stage.h"

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

int
loader_read_target(const struct loader *l, const struct loaded_table *t,
    struct target *target, struct err *e)
{
	size_t i = (size_t)(t - l->tables);
	int rc = (l->absent ? target_open_absent : target_open)(
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

int
loader_start_chunk(struct loader *l, struct err *e)
{
	const uint16_t *table_of = NULL;

	if (l->list.n > 0) {
		if (route_find_tables(&l->route, &l->spool, e) == -1)
			return -1;
		table_of = l->route.table_of;
	}
	for (size_t i = 0; i < l->ntables; i++)
		outcome_start_chunk(
		    &l->tables[i].outcome, &l->spool, table_of);
	return 0;
}

void
loader_reset_sinks(struct loader *l)
{
	for (size_t i = 0; i < loader_count_tables(l); i++)
		l->sink->reset(l->tables[i].self);
}

enum { NOT_YET = 2 };

/* Stores the id of the open transaction in l->xid. If the answer to COMMIT is
 * lost, the loader uses this id to ask PostgreSQL whether the transaction was
 * committed. Only plain input (without marks) needs the id: for a marked stream
 * the ledger (table etl_loads) shows whether the batch was committed. */
static int
note_xid(struct loader *l, struct err *e)
{
	l->xid = 0;
	if (l->marked || db_kind(l->db) != DB_POSTGRESQL)
		return 0;
	return db_query_int(l->db,
	    "SELECT pg_catalog.pg_current_xact_id()::text::int8", NULL, 0, 0,
	    &l->xid, e);
}

const struct phase xid_phase = { .finish = note_xid };

/* Asks PostgreSQL whether the transaction l->xid, whose COMMIT had no answer,
 * was committed. Returns 1: committed. 0: the caller repeats the batch, because
 * it was not committed, or because the mode is repeatable: a second load of the
 * batch leaves the table as it is. A mode that needs a complete stream repeats
 * only a batch that was not committed: if the first COMMIT succeeds late, the
 * second one fails (stream.c). NOT_YET: the transaction is still in
 * progress, ask again. -1: failed, with *e. */
static int
ask_commit(struct loader *l, struct err *e)
{
	static const char sql[] =
	    "SELECT CASE pg_catalog.pg_xact_status($1::text::xid8)"
	    " WHEN 'committed' THEN 1 WHEN 'aborted' THEN 0"
	    " WHEN 'in progress' THEN 2 ELSE 3 END";
	struct db_value v = DB_I(l->xid);
	int64_t is = 3;

	if (l->xid == 0)
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
	l->xid = 0;
	l->unknown = is >= 2;
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
			rc = l->unknown ? ask_commit(l, e) : 0;
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

/* Sets the limits again after a script of the user, which may have changed
 * options of the session. This includes the options that db_open() sets. */
static int
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

enum { DDL_MAX = 64 << 20 };

/* Runs the script of --ddl. If two loaders create the same table at the same
 * time, PostgreSQL can refuse one CREATE TABLE although the script says IF NOT
 * EXISTS. If the server reports that the table exists, the script is run a
 * second time. If the server reports a duplicate key in its own catalog
 * (SQLSTATE class 23), the error is marked as transient, so that the caller
 * tries again. */
static int
run_script(struct loader *l, const char *sql, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	int rc = db_script(l->db, sql, e);
	/* A table, a type or a schema of this name exists. */
	bool exists = strcmp(f->sqlstate, "42P07") == 0 ||
	    strcmp(f->sqlstate, "42710") == 0 ||
	    strcmp(f->sqlstate, "42P06") == 0;

	if (rc == -1 && exists) {
		db_rollback(l->db);
		rc = db_script(l->db, sql, e);
	}
	if (rc == 0)
		return 0;
	if (strncmp(f->sqlstate, "23", 2) == 0)
		e->transient = true;
	if (e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	err_prefix(e, "%s", l->o->ddl);
	return -1;
}

static int
run_ddl_file(struct loader *l, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, DDL_MAX);
	rc = file_read(&b, l->o->ddl, e);
	(void)buf_text(&b);
	if (rc == 0)
		rc = buf_check(&b, e);
	if (rc == 0 && strlen(buf_text(&b)) != b.len)
		rc = err_set(e, ERR_CONFIG, false, "%s: not an SQL script: it "
		    "contains a NUL byte", l->o->ddl);
	if (rc == 0)
		rc = run_script(l, buf_text(&b), e);
	/* The script may have changed options of the session. */
	if (rc == 0)
		rc = time_limits_set(l, e);
	buf_release(&b);
	return rc;
}

/* Opens the database, runs the script of --ddl, makes the table of --create and
 * opens the tables. The default database (file etl.db) is created only if one
 * of these options is given: otherwise the file would stay empty and have no
 * table to load. */
static int
open_load(struct loader *l, struct err *e)
{
	const char *url = getenv("DATABASE_URL");
	bool create = l->o->ddl != NULL || l->o->create || l->o->db != NULL ||
	    (url != NULL && *url != '\0');

	if ((create ? db_open : db_open_existing)(&l->db, l->o->db, e) == -1)
		return -1;
	if (time_limits_init(l, e) == -1)
		return -1;
	if (l->o->ddl != NULL && run_ddl_file(l, e) == -1)
		return -1;
	if (l->o->create && (create_check_children(l, e) == -1 ||
	    create_ensure_table(&l->sample, l->db, l->stage, &l->absent,
	    e) == -1 ||
	    create_children(l, NULL, e) == -1))
		return -1;
	if (loader_open_tables(l, e) == -1)
		return -1;
	if (l->absent)
		return 0;
	return phases_check(l, e);
}

/* Closes the workers, the tables and the database. */
static void
close_load(struct loader *l)
{
	workers_close(l);
	for (size_t i = 0; l->tables != NULL && i < loader_count_tables(l);
	    i++) {
		if (l->sink != NULL)
			l->sink->close(l->tables[i].self);
		l->tables[i].self = NULL;
		target_close(&l->tables[i].target);
	}
	db_close(l->db);
	l->db = NULL;
}

/* Opens what a load or --plan needs. Closes it again if this fails. */
static int
try_to_open(void *self, struct err *e)
{
	struct loader *l = self;

	if ((l->o->plan ? plan_open : open_load)(l, e) == 0)
		return 0;
	if (l->db != NULL)
		time_limits_explain(l->o, db_fault(l->db), e);
	close_load(l);
	return -1;
}

/* Fails inside etl-run if --db names another database than etl-run uses. The
 * rows, the dead letters (rejected records) and the state of the run must be in
 * one database, because they are committed together. */
static int
check_run_db(const struct load_opts *o, struct err *e)
{
	const char *run = getenv("ETL_RUN"), *url = getenv("DATABASE_URL");
	const char *schema = getenv("ETL_CONTROL_SCHEMA");

	if (run == NULL || *run == '\0')
		return 0;
	if (o->control_schema != NULL &&
	    (schema == NULL || strcmp(o->control_schema, schema) != 0))
		return err_set(e, ERR_CONFIG, false, "--control-schema names "
		    "another schema than that of this run: give it to etl-run "
		    "instead");
	if (o->db == NULL)
		return 0;
	if (url == NULL || *url == '\0')
		url = "sqlite:etl.db";
	if (strcmp(o->db, url) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "--db names another database "
	    "than the one of this run (DATABASE_URL): give --db to etl-run "
	    "instead");
}

/* Gives each table its own options. If --mode is not given and --tables gives a
 * key for at least one table, all tables are loaded with --mode upsert: a table
 * without a key there uses its primary key. */
static int
set_table_options(struct loader *l, struct err *e)
{
	size_t n = l->list.n > 0 ? l->list.n : 1;
	const struct nested_list *nested = &l->nested_list;

	if ((l->tables = calloc(n + nested->n, sizeof(*l->tables))) == NULL)
		return err_nomem(e);
	l->ntables = n;
	for (size_t i = 0; i < n; i++) {
		struct load_opts *o = &l->tables[i].o;

		*o = *l->o;
		if (nested_set_pointers(nested, i, o, e) == -1)
			return -1;
		if (l->list.n > 0) {
			o->table = l->list.v[i].table;
			o->key = l->list.v[i].key;
			if (o->mode == NULL && l->list.keyed)
				o->mode = "upsert";
		}
		if (load_mode_choose(&l->mode, o, e) == -1) {
			if (l->list.n > 0)
				err_prefix(e, "--tables, table %s", o->table);
			return -1;
		}
	}
	for (size_t i = 0; i < nested->n; i++)
		nested_set_options(&nested->v[i],
		    &l->tables[nested->v[i].parent].o, &l->tables[n + i].o);
	return 0;
}

/* Initializes the outcome of each table. With --tables also opens the route. */
static int
init_outcomes(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		struct outcome *o = &l->tables[i].outcome;

		evolve_init(&l->tables[i].evolve, &l->tables[i].o, l->mode,
		    l->duplicates);
		l->tables[i].evolve.record.source = &l->types;
		buf_init(&l->tables[i].scopes.json, SIZE_MAX / 4);
		buf_init(&l->tables[i].recorded.json, SIZE_MAX / 4);
		if (outcome_init(o, l->stage, &l->tables[i].target,
			l->duplicates, e) == -1)
			return -1;
		o->table = (uint16_t)i;
	}
	if (l->list.n == 0)
		return 0;
	if (route_open(&l->route, l->stage, &l->list, l->o->table_from, e) ==
	    -1)
		return -1;
	l->route.tombstones = l->mode->changes;
	l->route.rejects_too = l->mode->mirrors || l->mode->by_scope;
	return 0;
}

int
loader_open(struct loader *l, const struct load_opts *o, struct stage *s,
    struct err *e)
{
	const char *run = getenv("ETL_RUN");

	*l = (struct loader){ .o = o, .stage = s };
	spool_init(&l->spool);
	reject_lines_init(&l->rejects, s);
	buf_init(&l->written, SIZE_MAX / 2);
	uuid_new(l->plain_run);
	l->retry.max = o->retries;
	if (record_options_check(
		o->max_record, o->duplicates, &l->duplicates, e) == -1 ||
	    retry_parse(&l->retry, o->backoff, e) == -1 ||
	    table_list_parse(&l->list, o, e) == -1 ||
	    nested_list_parse(&l->nested_list, o, &l->list, e) == -1 ||
	    set_table_options(l, e) == -1 ||
	    (o->synchronous != NULL &&
	    suggest_choice("--synchronous", o->synchronous, levels,
	    e) == -1) ||
	    expect_parse(&l->expect, &o->expect, e) == -1 ||
	    mapping_check(o, e) == -1 ||
	    check_run_db(o, e) == -1)
		return -1;
	if (run != NULL && *run != '\0' && (l->run = strdup(run)) == NULL)
		return err_nomem(e);
	if (causes_new(&l->causes, e) == -1)
		return -1;
	plan_init(&l->plan);
	sample_init(&l->sample, &l->tables[0].o, l->mode, l->duplicates);
	l->sample.source = &l->types;
	if (retry_call(&l->retry, try_to_open, l, e) == -1)
		return -1;
	if (!o->plan)
		sample_release(&l->sample);
	l->once = o->single || l->mode->complete || l->expect.n > 0;
	l->whole = l->once;
	l->full_batch = o->batch == BATCH_NOT_GIVEN ? 10000 : o->batch;
	l->batch_limit = l->full_batch;
	return init_outcomes(l, e) == -1 ? -1 : nested_open(l, e);
}

void
loader_close(struct loader *l)
{
	for (size_t i = 0; l->tables != NULL && i < loader_count_tables(l);
	    i++) {
		outcome_release(&l->tables[i].outcome);
		evolve_release(&l->tables[i].evolve);
		buf_release(&l->tables[i].scopes.json);
		buf_release(&l->tables[i].recorded.json);
		free(l->tables[i].o.nested_at.v);
	}
	nested_close(l);
	reject_lines_release(&l->rejects);
	sample_release(&l->sample);
	source_types_release(&l->types);
	plan_release(&l->plan);
	spool_release(&l->spool);
	causes_free(l->causes);
	expect_release(&l->expect);
	buf_release(&l->written);
	free(l->run);
	stream_release(&l->stream);
	close_load(l);
	free(l->tables);
	free(l->tables_name);
	route_release(&l->route);
	table_list_release(&l->list);
	nested_list_release(&l->nested_list);
}

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
