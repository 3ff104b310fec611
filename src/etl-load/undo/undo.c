#include "undo/undo.h"

#include "base/retry.h"
#include "control/control.h"
#include "undo/undo_cascade.h"
#include "undo/undo_entry.h"
#include "undo/undo_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct undo {
	const struct load_opts *o;
	struct db *db;
	struct undo_entry entry;
};

static bool
is_used_by_undo(const char *option)
{
	static const char *const used[] = { "undo", "table", "db",
		"control-schema", "with-checkpoint", "lock-timeout",
		"statement-timeout", "retries", "backoff", "verbose" };

	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (strcmp(option, used[i]) == 0)
			return true;
	return false;
}

static bool
is_given(
    const struct load_opts *o, const struct opt_spec *spec, const char *option)
{
	for (size_t i = 0; i < spec->n; i++)
		if (o->is_given[i] && strcmp(spec->opts[i].name, option) == 0)
			return true;
	return false;
}

static int
check_load_options(const struct load_opts *o, const struct opt_spec *spec,
    struct err *e)
{
	if (o->with_checkpoint)
		return err_set(e, ERR_USAGE, false,
		    "--with-checkpoint needs --undo RUN");
	if (o->keep_runs == 0)
		return err_set(e, ERR_USAGE, false,
		    "--keep-runs is 0: it must be at least 1");
	if (!o->keep_before && is_given(o, spec, "keep-runs"))
		return err_set(e, ERR_USAGE, false, "--keep-runs needs "
		    "--keep-before: without it the load keeps no old values");
	return 0;
}

int
undo_check_options(const struct load_opts *o, const struct opt_spec *spec,
    struct err *e)
{
	if (o->undo == NULL)
		return check_load_options(o, spec, e);
	if (*o->undo == '\0')
		return err_set(e, ERR_USAGE, false, "--undo needs the id of a "
		    "run, or of a stream");
	for (size_t i = 0; i < spec->n; i++)
		if (o->is_given[i] && !is_used_by_undo(spec->opts[i].name))
			return err_set(e, ERR_USAGE, false, "--undo reads no "
			    "records, so --%s cannot be used with it",
			    spec->opts[i].name);
	return 0;
}

static void
close_all(struct undo *u)
{
	undo_entry_release(&u->entry);
	db_close(u->db);
	u->db = NULL;
}

static int
open_database(struct undo *u, struct err *e)
{
	const struct db_limits limits = { .lock = u->o->lock_timeout,
		.statement = u->o->statement_timeout };

	if (control_open_tables(&u->db, u->o->db, u->o->control_schema, false,
	    e) == -1 ||
	    ((limits.lock > 0 || limits.statement > 0) &&
		db_set_limits(u->db, &limits, e) == -1))
		return -1;
	return db_add_image_sql(u->db, e);
}

/* Gives the checkpoint of stream number `first` the value that it had before
 * the run. If several streams of the run have moved it, the entry of the first
 * one has this value, and the entry of the last one has the version that the
 * checkpoint must still have. */
static int
restore_checkpoint(struct undo *u, size_t first, struct err *e)
{
	const char *name = u->entry.streams[first].checkpoint;
	struct db_value v[3] = { db_text(name),
		db_text(u->entry.streams[first].value) };
	int64_t n = 0;

	for (size_t i = 0; i < u->entry.n; i++) {
		if (u->entry.streams[i].checkpoint == NULL ||
		    strcmp(u->entry.streams[i].checkpoint, name) != 0)
			continue;
		if (i < first)
			return 0;
		v[2] = DB_I(u->entry.streams[i].version);
	}
	if (db_run(u->db, db_sql(u->db, SQL_BEFORE_MOVE_CHECKPOINT_BACK), v, 3,
	    &n, e) == -1)
		return -1;
	return n == 1 || v[2].i == 0 ? 0 : err_set(e, ERR_DATA, false,
	    "checkpoint %s: a later run, or etl-checkpoint, has moved it: "
	    "nothing was undone", name);
}

static int
restore_checkpoints(struct undo *u, struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < u->entry.n; i++) {
		if (u->entry.streams[i].checkpoint == NULL)
			continue;
		any = true;
		if (restore_checkpoint(u, i, e) == -1)
			return -1;
	}
	return any ? 0 : err_set(e, ERR_CONFIG, false, "--with-checkpoint: the "
	    "run %s has moved no checkpoint: nothing was undone", u->entry.run);
}

/* Deletes the rows of the run's streams from the ledger (table etl_loads), so
 * that the streams can be loaded again. */
static int
delete_ledger_rows(struct undo *u, struct err *e)
{
	for (size_t i = 0; i < u->entry.n; i++) {
		const struct loaded *s = &u->entry.streams[i];
		const struct db_value v[] = { db_text(s->stream),
			db_text(s->target) };

		if (s->whole && db_run(u->db, db_sql(u->db,
			SQL_BEFORE_FORGET_LOAD), v, 2, NULL, e) == -1)
			return -1;
	}
	return 0;
}

/* Notes that the run is undone in this table, and deletes its images. */
static int
set_undone(struct undo *u, const struct undo_table *t, struct err *e)
{
	const struct db_value v[] = { db_text(u->entry.run),
		db_text(t->table->full) };

	return db_run(u->db, db_sql(u->db, SQL_BEFORE_FORGET), v, 2, NULL, e) ==
	    -1 ? -1 : db_run(u->db, db_sql(u->db, SQL_BEFORE_SET_UNDONE), v, 2,
	    NULL, e);
}

static int
undo_in_transaction(struct undo *u, struct err *e)
{
	struct undo_entry *n = &u->entry;
	struct undo_rows rows = { .db = u->db };

	if (undo_entry_find(n, u->db, u->o->undo, u->o->table, e) == -1)
		return -1;
	rows.run = n->run;
	rows.tables = n->tables;
	rows.n = n->ntables;
	if (undo_rows_lock(&rows, e) == -1 ||
	    undo_entry_read(n, u->db, e) == -1)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (undo_rows_check_left(&rows, &rows.tables[i], e) == -1 ||
		    undo_cascade_check(&rows, &rows.tables[i], e) == -1)
			return -1;
	if (undo_rows_restore(&rows, e) == -1)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (undo_rows_check_restored(&rows, &rows.tables[i], e) == -1 ||
		    set_undone(u, &rows.tables[i], e) == -1)
			return -1;
	if (delete_ledger_rows(u, e) == -1)
		return -1;
	return u->o->with_checkpoint ? restore_checkpoints(u, e) : 0;
}

static int
commit(struct undo *u, struct err *e)
{
	if (db_commit(u->db, e) == 0)
		return 0;
	if (db_fault(u->db)->lost) {
		e->transient = false;
		err_prefix(e, "the connection was lost during COMMIT, so the "
		    "run may or may not have been undone: give the command "
		    "again, it says which");
	}
	return -1;
}

static int
try_to_undo(void *self, struct err *e)
{
	struct undo *u = self;

	if (open_database(u, e) == 0 && db_begin(u->db, e) == 0) {
		if (undo_in_transaction(u, e) == 0 && commit(u, e) == 0)
			return 0;
		db_rollback(u->db);
	}
	close_all(u);
	return -1;
}

/* Returns "row" or "rows". */
static const char *
row_word(int64_t n)
{
	return n == 1 ? "row" : "rows";
}

static void
print_counts(const struct undo *u, const struct undo_table *t)
{
	err_printf("etl-load: run %s is undone in %s: "
	    "%" PRId64 " %s deleted, %" PRId64 " %s changed back, "
	    "%" PRId64 " %s inserted again\n", u->entry.run, t->table->name,
	    t->deleted, row_word(t->deleted), t->changed, row_word(t->changed),
	    t->inserted, row_word(t->inserted));
}

static void
print_result(const struct undo *u)
{
	if (u->o->verbose || isatty(STDERR_FILENO))
		for (size_t i = 0; i < u->entry.ntables; i++)
			print_counts(u, &u->entry.tables[i]);
	for (size_t i = 0; i < u->entry.n; i++) {
		const struct loaded *s = &u->entry.streams[i];

		if (s->checkpoint != NULL && !u->o->with_checkpoint)
			err_warnf("etl-load", "checkpoint %s was not moved "
			    "back: the next run begins after the records "
			    "that were undone; see --with-checkpoint",
			    s->checkpoint);
		if (!s->whole)
			err_warnf("etl-load", "an earlier run had loaded the "
			    "first part of stream %s: to load the stream "
			    "again, give --again", s->stream);
	}
}

int
undo_run(const struct load_opts *o, struct err *e)
{
	struct retry retry = { .max = o->retries };
	struct undo u = { .o = o };

	if (retry_parse(&retry, o->backoff, e) == -1 ||
	    retry_call(&retry, try_to_undo, &u, e) == -1)
		return -1;
	print_result(&u);
	close_all(&u);
	return 0;
}
