#include "ledger/complete.h"

#include "control/checkpoints.h"
#include "control/control.h"
#include "json/pointer.h"

#include <stdlib.h>
#include <string.h>

/* The versions of so many scopes of a table are kept. If more scopes were
 * replaced while a load ran, the load cannot tell whether its own scopes were
 * among them. */
enum { SCOPES_KEPT = 10000 };

/* Makes the name under which the table etl_checkpoints stores how often loads
 * have replaced the table: an @ and the name of the table. The version of this
 * checkpoint is the number. */
static int
init_version_name(struct buf *b, const struct table *t, struct err *e)
{
	buf_init(b, SIZE_MAX / 4);
	buf_printf(b, "@%s", t->full);
	(void)buf_text(b);
	return buf_check(b, e);
}

/* PostgreSQL: makes the row of the checkpoint if it is missing. Loads of
 * different scopes then share a lock of this row; without a row they would wait
 * for each other. */
static int
make_version_row(struct db *db, const char *name, struct err *e)
{
	const struct db_value none = db_text(NULL), v[] = { db_text(name), none,
		DB_I(1), none, none };

	return db_run(db, db_sql(db, SQL_CHECKPOINT_INSERT), v, 5, NULL, e);
}

/* *version is 0 if no load has replaced scopes of the table yet. */
static int
read_scopes_version(struct db *db, const struct loaded_table *t,
    int64_t *version, struct err *e)
{
	const struct db_value v = db_text(t->target.table->full);

	return db_query_int(
	    db, db_sql(db, SQL_SCOPES_VERSION), &v, 1, 0, version, e);
}

static int
read_versions(struct db *db, struct loaded_table *t, struct err *e)
{
	const bool shares = t->target.mode->by_scope &&
	    db_kind(db) == DB_POSTGRESQL;
	char *value = NULL;
	struct buf name;
	int rc;

	rc = init_version_name(&name, t->target.table, e);
	if (rc == 0 && shares)
		rc = make_version_row(db, buf_text(&name), e);
	if (rc == 0)
		rc = checkpoint_read(
		    db, buf_text(&name), &value, &t->replaced, e);
	free(value);
	buf_release(&name);
	return rc == -1 ? -1 : read_scopes_version(db, t, &t->scopes_replaced,
	    e);
}

int
complete_read(struct loader *l, struct err *e)
{
	if (!l->mode->complete)
		return 0;
	if (control_ensure_tables(l->db, l->o->control_schema, true, e) ==
	    -1)
		return -1;
	for (size_t i = 0; i < l->ntables; i++)
		if (read_versions(l->db, &l->tables[i], e) == -1)
			return -1;
	l->control = true;
	return 0;
}

int
complete_begin(struct loader *l, struct err *e)
{
	uint64_t tries = 0;

	if (!l->marked)
		return 0;
	while (complete_read(l, e) == -1)
		if (batch_recover(l, &tries, e) == -1)
			return -1;
	return 0;
}

static int
fail_overlapping(const struct loaded_table *t, const char *what, struct err *e)
{
	return err_set(e, ERR_RETRY, false, "table %s: another load has "
	    "replaced %s since this load began: nothing of this load was "
	    "committed; run the command again", t->target.table->name, what);
}

/* Checks that no load has replaced the whole table since this load began, and
 * keeps other loads from doing so until the transaction ends. With `moves`,
 * this load replaces the whole table itself: the row is then locked also
 * against loads that replace scopes. */
static int
lock_version(const struct loader *l, const struct loaded_table *t, bool moves,
    struct err *e)
{
	struct checkpoint_move m = { .expected = t->replaced, .moves = moves,
		.run = l->run };
	enum checkpoint_result r = CHECKPOINT_FAILED;
	struct buf name;

	if (init_version_name(&name, t->target.table, e) == 0) {
		m.name = buf_text(&name);
		r = checkpoint_move(l->db, &m, e);
	}
	buf_release(&name);
	if (r == CHECKPOINT_LOST)
		return fail_overlapping(t, "rows of this table", e);
	return r == CHECKPOINT_MOVED ? 0 : -1;
}

static int
lock_whole_table(const struct loader *l, const struct loaded_table *t,
    struct err *e)
{
	int64_t now;

	if (lock_version(l, t, true, e) == -1 ||
	    read_scopes_version(l->db, t, &now, e) == -1)
		return -1;
	return now == t->scopes_replaced ? 0 :
	    fail_overlapping(t, "rows of this table", e);
}

int
complete_lock_tables(struct loader *l, struct err *e)
{
	if (!l->mode->complete)
		return 0;
	/* The locks that follow are held until the COMMIT. */
	if (control_limit_idle(l->db, e) == -1)
		return -1;
	for (size_t i = 0; i < l->ntables && !l->mode->by_scope; i++)
		if (lock_whole_table(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}

int
complete_lock_scopes(struct loader *l, struct loaded_table *t, struct err *e)
{
	const struct db_value v[] = { db_text(t->target.table->full),
		db_text(t->scopes.json.data) };
	int64_t newest, now;

	if (t->scopes.n == 0)
		return 0;
	if (t->scopes.many)
		return lock_whole_table(l, t, e);
	if (lock_version(l, t, false, e) == -1 || db_query_int(l->db,
		db_sql(l->db, SQL_SCOPES_LOCK), v, 2, 0, &newest, e) == -1 ||
	    read_scopes_version(l->db, t, &now, e) == -1)
		return -1;
	/* The versions of scopes that were replaced long ago are forgotten. */
	return newest <= t->scopes_replaced &&
	    now - t->scopes_replaced <= SCOPES_KEPT ? 0 :
	    fail_overlapping(t, "rows of the same scope", e);
}

static int
store_scopes(struct loader *l, struct loaded_table *t, struct err *e)
{
	const struct db_value v[] = { db_text(t->target.table->full),
		db_text(t->scopes.json.data), DB_I((int64_t)t->scopes.n) };
	struct db_value old[] = { v[0], DB_I(0) };

	if (t->scopes.n == 0 || t->scopes.many)
		return 0;
	if (db_query_int(l->db, db_sql(l->db, SQL_SCOPES_STORE), v, 3, 0,
	    &t->scopes_stored, e) == -1)
		return -1;
	/* Some loads have nothing to forget: a load forgets a tenth of what is
	 * kept at a time. */
	old[1].i = t->scopes_stored - SCOPES_KEPT;
	return t->scopes_stored / (SCOPES_KEPT / 10) ==
	    (t->scopes_stored - v[2].i) / (SCOPES_KEPT / 10) ? 0 :
	    db_run(l->db, db_sql(l->db, SQL_SCOPES_FORGET), old, 2, NULL, e);
}

int
complete_store_scopes(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables && l->mode->by_scope; i++)
		if (store_scopes(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}

/* If another load has replaced scopes since this load began, scopes_replaced
 * stays as it is: a later batch must still notice this. */
void
complete_note_commit(struct loader *l)
{
	for (size_t i = 0; i < l->ntables && l->mode->complete; i++) {
		struct loaded_table *t = &l->tables[i];
		const int64_t n = (int64_t)t->scopes.n;

		if (!l->mode->by_scope || t->scopes.many)
			t->replaced++;
		else if (n > 0 && t->scopes_stored - n == t->scopes_replaced)
			t->scopes_replaced = t->scopes_stored;
	}
}

int
complete_check_replay(const struct loader *l, const struct mark *begin,
    struct err *e)
{
	if (!l->mode->complete || !begin->replay)
		return 0;
	return err_set(e, ERR_CONFIG, false, "a replay has only the records "
	    "that were rejected before: --mode %s would delete the rows of all "
	    "others; load the replay with --mode upsert or --mode append",
	    l->mode->name);
}

/* --mode delete-insert may load a second stream, because each stream replaces
 * only the scopes of its own records. But not with --scope-value: each stream
 * would empty these scopes, and so delete the rows that the first one has just
 * inserted. */
int
complete_check_second(const struct loader *l, struct err *e)
{
	const struct load_mode *m = l->mode;

	if (!l->marked || (!m->replaces && !m->mirrors &&
	    l->o->scope_values.n == 0))
		return 0;
	return err_set(e, ERR_CONFIG, false, "the input has a second stream, "
	    "which would replace the rows of the first one: the first stream "
	    "is loaded, the second one is not; load only one stream with %s%s",
	    m->by_scope ? "--scope-value" : "--mode ",
	    m->by_scope ? "" : m->name);
}

/* True if the only column of --scope gets the member `member` of a record. */
static int
scope_is_member(const struct target *t, const char *member, bool *is,
    struct err *e)
{
	struct buf have, want;
	int rc;

	*is = false;
	if (t->scope.n != 1)
		return 0;
	buf_init(&have, SIZE_MAX / 4);
	buf_init(&want, SIZE_MAX / 4);
	pointer_put_part(&want, member, strlen(member));
	if (target_put_pointer(&have, t, t->scope.columns[0]))
		*is = strcmp(buf_text(&have), buf_text(&want)) == 0;
	rc = buf_check(&have, e) == -1 ? -1 : buf_check(&want, e);
	buf_release(&have);
	buf_release(&want);
	return rc;
}

/* With --scope-value, each batch would delete the rows of these scopes
 * again. */
int
complete_find_files(struct loader *l, const struct mark *begin, struct err *e)
{
	bool is = l->mode->by_scope && begin->files_by != NULL &&
	    begin->checkpoint != NULL && l->o->scope_values.n == 0 &&
	    !l->absent;

	for (size_t i = 0; i < l->ntables && is; i++)
		if (scope_is_member(&l->tables[i].target, begin->files_by, &is,
			e) == -1)
			return -1;
	l->stream.by_file = is;
	return 0;
}

static int
fail_increment(const struct loader *l, struct err *e)
{
	const struct mark *begin = stage_begin_mark(l->stage);

	if (l->mode->by_scope && begin != NULL && begin->files_by != NULL)
		return err_set(e, ERR_CONFIG, false, "this stream has only the "
		    "files that are new or changed since the stored value of "
		    "checkpoint %s: --mode %s can replace the rows of each "
		    "file, with --scope and the column of the member %s, and "
		    "without --scope-value", l->stream.checkpoint,
		    l->mode->name, begin->files_by);
	return err_set(e, ERR_CONFIG, false, "this stream has only the records "
	    "after the stored value of checkpoint %s: --mode %s needs a full "
	    "read and would delete the rows of all other records; extract "
	    "without --checkpoint, or load with --mode upsert",
	    l->stream.checkpoint, l->mode->name);
}

/* A stored value means that etl-extract has started at this value, and so the
 * stream is an increment. has_stored_value is false with --again and
 * --no-checkpoint, because such a stream may be older than the stored value.
 * Then complete_check_mark() decides. */
int
complete_check_begin(const struct loader *l, struct err *e)
{
	return l->mode->complete && !l->stream.by_file &&
	    l->stream.has_stored_value ? fail_increment(l, e) : 0;
}

/* A mark `checkpoint` with the member `from` belongs to an increment. If there
 * are no records, there may be no mark `checkpoint`: then the mark `end` has
 * the version of the checkpoint, and a version above 0 means that a value was
 * stored. */
int
complete_check_mark(const struct loader *l, const struct mark *m, struct err *e)
{
	const struct stream *s = &l->stream;

	if (!l->mode->complete || s->by_file || s->checkpoint == NULL)
		return 0;
	if (m->kind == MARK_CHECKPOINT ? m->from != NULL :
	    s->passive && !s->begun && m->has_version && m->version > 0)
		return fail_increment(l, e);
	return 0;
}

int
complete_check_input(const struct loader *l, struct err *e)
{
	const struct mark *begin = stage_begin_mark(l->stage);
	const char *cut = stage_find_cut(l->stage);

	if (l->absent && (l->mode->complete || l->expect.n > 0))
		return err_set(e, ERR_DATA, false, "table %s does not exist, "
		    "and no record came from which --create could make it",
		    l->o->table);
	if (l->mode->complete && cut != NULL)
		return err_set(e, ERR_DATA, false, "%s: the input was cut off: "
		    "its last line has no newline and is no whole record; so "
		    "--mode %s has loaded nothing: get the whole input and "
		    "load it again", cut, l->mode->name);
	if (!l->mode->complete || l->o->complete)
		return 0;
	if (stage_is_complete(l->stage))
		return begin == NULL || !begin->piped ? 0 :
		    err_set(e, ERR_DATA, false, "the input may be incomplete, "
			"so --mode %s has loaded nothing: the first etl "
			"program read it from a pipe, or from a file that "
			"another program had read in part; let it read a whole "
			"file, or give --complete if the input is complete",
			l->mode->name);
	return err_set(e, ERR_DATA, false, "etl-load cannot tell whether the "
	    "input is complete, so --mode %s has loaded nothing: read a whole "
	    "file, or a stream with an end mark (etl-extract --stream writes "
	    "one), or give --complete if you know that the input is complete",
	    l->mode->name);
}
