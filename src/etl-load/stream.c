#include "stream.h"

#include "base/hash.h"
#include "control/checkpoints.h"
#include "control/control.h"
#include "control/files.h"
#include "control/run_counts.h"
#include "control/runs.h"
#include "json/pointer.h"
#include "json/write.h"
#include "loader.h"
#include "phase.h"

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

static bool
wants_complete(const struct loader *l)
{
	return l->mode->complete;
}

/* Notes for each table how often loads have replaced the whole table and how
 * many scopes of it (--mode delete-insert). */
static int
read_all_versions(struct loader *l, struct err *e)
{
	if (control_ensure_tables(l->db, l->o->control_schema, true, e) ==
	    -1)
		return -1;
	for (size_t i = 0; i < l->ntables; i++)
		if (read_versions(l->db, &l->tables[i], e) == -1)
			return -1;
	l->control = true;
	return 0;
}

static int
complete_check(struct loader *l, struct err *e)
{
	return l->o->plan ? 0 : read_all_versions(l, e);
}

/* Called at each mark `begin`. The load of a second stream begins here, so this
 * function reads the numbers again. */
static int
complete_begin(struct loader *l, struct err *e)
{
	uint64_t tries = 0;

	if (!l->marked || !l->mode->complete)
		return 0;
	while (read_all_versions(l, e) == -1)
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

/* Of a mode that replaces or compares whole tables: waits for other loads of
 * the tables, keeps them from committing before this load, and fails if one has
 * committed since read_all_versions(). */
static int
lock_tables(struct loader *l, struct err *e)
{
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

/* Stores which scopes this load has replaced. */
static int
store_all_scopes(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables && l->mode->by_scope; i++)
		if (store_scopes(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}

/* Another batch of this process must not take what this one has stored for that
 * of another load. If another load has replaced scopes since this load began,
 * scopes_replaced stays as it is: a later batch must still notice this. */
static int
note_replaced(struct loader *l, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < l->ntables; i++) {
		struct loaded_table *t = &l->tables[i];
		const int64_t n = (int64_t)t->scopes.n;

		if (!l->mode->by_scope || t->scopes.many)
			t->replaced++;
		else if (n > 0 && t->scopes_stored - n == t->scopes_replaced)
			t->scopes_replaced = t->scopes_stored;
	}
	return 0;
}

const struct phase complete_lock_phase = {
	.wants = wants_complete, .begin = lock_tables,
};
const struct phase complete_phase = {
	.wants = wants_complete, .check = complete_check,
	.finish = store_all_scopes, .committed = note_replaced,
};

/* Called at each mark `begin`. Fails if the stream is a replay. */
static int
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

/* Called at each mark `begin`. Fails if this process has loaded a stream with
 * --mode replace or mirror before: the second stream would delete the rows of
 * the first.
 * --mode delete-insert may load a second stream, because each stream replaces
 * only the scopes of its own records. But not with --scope-value: each stream
 * would empty these scopes, and so delete the rows that the first one has just
 * inserted. */
static int
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

/* Called at each mark `begin`. Sets l->stream.by_file if the stream has whole
 * files and --scope is the member with the path of the file. Each file is then
 * complete, so that the stream may be an increment, and is committed at each
 * boundary. With --scope-value, each batch would delete the rows of these
 * scopes again. */
static int
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

/* Called at a mark `checkpoint` or `end`. Fails if the mark shows that the
 * stream is an increment. A mark `checkpoint` with the member `from` belongs to
 * an increment. If there are no records, there may be no mark `checkpoint`:
 * then the mark `end` has the version of the checkpoint, and a version above 0
 * means that a value was stored. */
static int
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

	if (l->absent && (l->mode->complete || l->expect != NULL))
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

/* Handles the marks of a stream. Stores nothing in the database: it notes in
 * l->stream what the next batch_commit() stores. These
 * flags steer other files:
 * - s->segments: load.c commits only at a boundary (the mark `checkpoint`,
 *   `resolve` or `end`). True for a stream with checkpoints and for a replay.
 * - l->whole: load.c commits once, at the mark `end`.
 * - s->passive (--again or --no-checkpoint): ledger.c neither checks nor
 *   moves the checkpoint, and ledger.c resolves no dead letter.
 * - s->judged: commit.c looks at all letters of the batch before the
 *   first record is written. So the batch is as large as possible, and --batch
 *   has no effect on the letters that stay open.
 * - s->last.open: the last boundary has not been committed yet, so load.c may
 *   commit up to it.
 * ledger.c reads the stream's row in the ledger (table etl_loads) and sets
 * two more flags. Both mean that load.c skips records:
 * - s->loaded: an earlier run has loaded the whole stream.
 * - s->skipping: it has loaded the part up to mark s->skip_seq. */

static void
free_letters(struct stream *s)
{
	while (s->nletters > 0)
		free((char *)(uintptr_t)s->letters[--s->nletters].id);
}

void
stream_release(struct stream *s)
{
	free_letters(s);
	free(s->letters);
	free(s->letter_ends);
	free(s->id);
	free(s->checkpoint);
	free(s->from);
	free(s->value);
	buf_release(&s->files);
	free(s->validators);
	*s = (struct stream){ 0 };
}

/* Replaces *to by a copy of the text, which may be NULL. */
static int
replace_text(char **to, const char *text, struct err *e)
{
	char *p = NULL;

	if (text != NULL && (p = strdup(text)) == NULL)
		return err_nomem(e);
	free(*to);
	*to = p;
	return 0;
}

/* Sets the id under which the ledger (table etl_loads) keeps the stream. With
 * --again this id gets a random suffix, so that the ledger has no row for it
 * and the loader loads the whole stream. */
static int
set_ledger_id(struct loader *l, const char *id, struct err *e)
{
	struct buf b;
	char again[UUID_TEXT];
	int rc;

	if (!l->o->again)
		return replace_text(&l->stream.id, id, e);
	uuid_new(again);
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "%s again %s", id, again);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = replace_text(&l->stream.id, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

/* Fails if this load does not fit the mark `begin`: etl-extract --lookback
 * (m->lookback) needs a load with a key, and dead letters of a table
 * (m->target) must be replayed into this table. A checkpoint name with
 * forbidden characters is an error of the stream (ERR_PEER, exit code 76),
 * because the stream contains the name. */
static int
check_begin_mark(const struct loader *l, const struct mark *m, struct err *e)
{
	if (complete_check_replay(l, m, e) == -1 ||
	    complete_check_second(l, e) == -1)
		return -1;
	if (m->lookback && l->mode->history && l->o->as_of == NULL)
		return err_set(e, ERR_CONFIG, false, "etl-extract --lookback "
		    "sends some records of the last run again; without the "
		    "times of their changes --mode scd2 would take them for "
		    "new changes: give --as-of and the member with the time");
	if (m->lookback && !l->mode->repeatable &&
	    !l->mode->history)
		return err_set(e, ERR_CONFIG, false, "etl-extract --lookback "
		    "sends some records of the last run again; %s",
		    l->mode->changes ? "--mode cdc would apply these "
		    "changes twice: give no --lookback" : "without a key "
		    "etl-load would insert these records twice: give etl-load "
		    "--key with the columns that identify a row");
	if (m->replay && m->target != NULL && !loader_has_target(l, m->target))
		return err_set(e, ERR_CONFIG, false, "this replay has records "
		    "that were rejected by the table %s, but --table is %s: "
		    "load them into %s; or load what etl-dlq show --raw ID "
		    "prints, and then close the letters with etl-dlq resolve",
		    m->target, loader_get_name(l), m->target);
	if (m->checkpoint != NULL && checkpoint_check_name(m->checkpoint,
	    strlen(m->checkpoint), e) == -1) {
		e->code = ERR_PEER;
		return -1;
	}
	return 0;
}

/* True if some of the replayed records may be older than the rows of their
 * keys, and no option says what to do then. */
static bool
judges_letters(const struct loader *l)
{
	const struct load_mode *m = l->mode;

	return l->stream.replay && !l->absent && (m->updates || m->history) &&
	    !m->complete && !l->o->replay_over && l->o->newer_by == NULL;
}

/* The input may hold several streams, one after the other. So this function
 * first adds the counts of the stream that has just ended to the totals. */
int
stream_begin(struct loader *l, struct err *e)
{
	const struct mark *m = stage_begin_mark(l->stage);
	struct stream *s = &l->stream;

	if (check_begin_mark(l, m, e) == -1)
		return -1;
	l->passed += s->skipped;
	sums_add(&l->totals, &l->sums);
	l->sums = (struct sums){ 0 };
	l->images_stored = false;
	stream_release(s);
	if (set_ledger_id(l, m->id, e) == -1 ||
	    replace_text(&s->checkpoint, m->checkpoint, e) == -1)
		return -1;
	buf_init(&s->files, SIZE_MAX / 4);
	s->replay = m->replay;
	s->passive = l->o->again || l->o->no_checkpoint;
	s->segments = s->checkpoint != NULL || s->replay;
	if (complete_begin(l, e) == -1 || complete_find_files(l, m, e) == -1)
		return -1;
	l->marked = true;
	/* If a load is interrupted, the next load of the stream starts at the
	 * last boundary that was committed. A stream that has no boundary
	 * except its end is loaded again from its start. In a mode that is not
	 * repeatable this would insert its records twice, so such a load
	 * commits only once. */
	s->judged = judges_letters(l);
	l->whole = l->once || s->judged ||
	    (!l->mode->repeatable && !s->segments);
	if (s->by_file)
		l->whole = l->o->single || l->expect != NULL;
	return stream_resume(l, e);
}

static int
fail_damaged(struct err *e, const struct mark *m, const char *why)
{
	return err_set(e, ERR_PEER, false, "the stream is damaged: mark %llu: "
	    "%s", (unsigned long long)m->seq, why);
}

/* Two texts that are NULL are equal. */
static bool
texts_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The version of a stored checkpoint grows by 1 each time the checkpoint moves.
 * The mark `checkpoint` or `end` carries the version that etl-extract has read.
 * This function stores the version in s->expected if s->expected is not set
 * yet. If the checkpoint in the database has another version later, another
 * run has moved it, and the loader fails. A stream without a mark `checkpoint`
 * has the version only in the mark `end`. */
static int
note_version(struct stream *s, const struct mark *m, struct err *e)
{
	if (!m->has_version || s->checkpoint == NULL)
		return 0;
	if (m->version > INT64_MAX / 2)
		return fail_damaged(e, m, "its version is too large");
	if (!s->known)
		s->expected = (int64_t)m->version;
	s->known = true;
	return 0;
}

/* Adds the elements of the JSON array `files` of a mark `checkpoint`. */
static int
add_done_files(struct stream *s, const char *files, struct err *e)
{
	const size_t n = files != NULL ? strlen(files) : 0;

	if (n <= 2)
		return 0;
	buf_char(&s->files, s->files.len == 0 ? '[' : ',');
	buf_add(&s->files, files + 1, n - 2);
	return buf_check(&s->files, e);
}

/* Called at a mark `checkpoint`. Stores the mark's value: the commit of the
 * batch makes it the stored checkpoint. While the loader skips records that an
 * earlier run has loaded, the value is not stored, because that run has moved
 * the checkpoint. All marks `checkpoint` of a stream must have the name that
 * the mark `begin` gives, and the members `from` (the start value) and
 * `version` of the first mark `checkpoint`. */
static int
take_checkpoint(struct stream *s, const struct mark *m, struct err *e)
{
	bool first = !s->begun;

	if (s->checkpoint == NULL)
		return fail_damaged(e, m, "it is a checkpoint, but the mark "
		    "begin names no checkpoint");
	if (!texts_equal(s->checkpoint, m->name))
		return fail_damaged(e, m, "its checkpoint has another name "
		    "than the one in the mark begin");
	if (first && replace_text(&s->from, m->from, e) == -1)
		return -1;
	if (first)
		s->version = m->version;
	else if (s->version != m->version || !texts_equal(s->from, m->from))
		return fail_damaged(e, m, "its from or version differs from "
		    "that of the checkpoint marks before");
	if (note_version(s, m, e) == -1)
		return -1;
	s->begun = true;
	s->value_seq = m->seq;
	if (s->skipping)
		return 0;
	if (add_done_files(s, m->files, e) == -1 ||
	    replace_text(&s->validators, m->validators, e) == -1)
		return -1;
	return replace_text(&s->value, m->value, e);
}

/* Returns how many rejects all stages together wrote to files or to file
 * descriptor 3 and not into the stream. */
static uint64_t
sum_aside(const struct counts *stages, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += stages[i].aside;
	return sum;
}

/* Adds the dead letter that the mark `resolve` names to the letters of the
 * batch, which the next commit marks as resolved. */
static int
add_letter(struct loader *l, const struct mark *m, struct err *e)
{
	struct stream *s = &l->stream;
	size_t room = s->room > 0 ? s->room * 2 : 16;
	struct letter_replay *p;
	uint64_t *ends;
	char *id = NULL;

	if (s->nletters == s->room) {
		if ((p = realloc(s->letters, room * sizeof(*p))) == NULL)
			return err_nomem(e);
		s->letters = p;
		ends = realloc(s->letter_ends, room * sizeof(*ends));
		if (ends == NULL)
			return err_nomem(e);
		s->letter_ends = ends;
		s->room = room;
	}
	if (replace_text(&id, m->id, e) == -1)
		return -1;
	s->letter_ends[s->nletters] = spool_get_end(&l->batch.spool).total;
	s->letters[s->nletters++] = (struct letter_replay){ .id = id,
		.seen = (int64_t)m->seen, .upto = (int64_t)m->upto };
	return 0;
}

/* Called at a mark `resolve`, which follows the record of one replayed dead
 * letter: unless this record is rejected again, the letter is resolved. Fails
 * if a stage has written a reject to a file or to file descriptor 3 since the
 * last boundary: the loader could not see this reject and would resolve the
 * letter. No letter is added while the loader skips records that an earlier run
 * has loaded. */
static int
take_resolve(struct loader *l, const struct mark *m, struct err *e)
{
	const struct stream *s = &l->stream;

	if (!s->replay)
		return fail_damaged(e, m, "it is a resolve mark, but the mark "
		    "begin does not say that this is a replay");
	if (sum_aside(m->stages, m->nstages) >
	    sum_aside(s->last.stages, s->last.nstages))
		return err_set(e, ERR_CONFIG, false, "letter %.12s: a stage "
		    "of this replay wrote a reject to a file or to file "
		    "descriptor 3: in a replay rejects must travel in the "
		    "stream; remove --rejects and 3>", m->id);
	if (m->seen > INT64_MAX / 2)
		return fail_damaged(e, m, "its seen is too large");
	return s->skipping ? 0 : add_letter(l, m, e);
}

/* Called at each boundary (the mark `checkpoint`, `resolve` or `end`) while the
 * loader skips the part of the stream that an earlier run has loaded. Ends the
 * skipping at mark number s->skip_seq, the last one of that part. Fails if this
 * mark is missing, or if the number of records before it is not the one in the
 * ledger (l->sums.in): then it is not the same stream. */
static int
end_skipping(struct loader *l, const struct mark *m, struct err *e)
{
	struct stream *s = &l->stream;
	uint64_t in = stage_counts(l->stage)->in;

	if (m->seq < s->skip_seq && m->kind != MARK_END)
		return 0;
	if (m->seq != s->skip_seq || l->sums.in != in)
		return err_set(e, ERR_PEER, false, "this is not the stream "
		    "whose first part was loaded before: that part ended with "
		    "mark %llu after record %llu, but here mark %llu comes "
		    "after record %llu; --again loads it as a new stream",
		    (unsigned long long)s->skip_seq,
		    (unsigned long long)l->sums.in,
		    (unsigned long long)m->seq, (unsigned long long)in);
	s->skipping = false;
	s->skipped = in;
	return 0;
}

int
stream_note_boundary(struct loader *l, struct err *e)
{
	const struct mark *m = stage_last_mark(l->stage);
	struct stream *s = &l->stream;
	struct boundary *last = &s->last;
	bool skipped = s->skipping;

	if (m->kind != MARK_END && m->seq == 0)
		return fail_damaged(e, m, "its seq is 0, but seq starts at 1");
	if (m->kind == MARK_CHECKPOINT && take_checkpoint(s, m, e) == -1)
		return -1;
	if (m->kind == MARK_RESOLVE && take_resolve(l, m, e) == -1)
		return -1;
	if (complete_check_mark(l, m, e) == -1)
		return -1;
	if (m->kind == MARK_END && note_version(s, m, e) == -1)
		return -1;
	if (s->skipping && end_skipping(l, m, e) == -1)
		return -1;
	if (m->has_seq)                 /* a mark `end` may have none */
		last->seq = m->seq;
	last->open = !skipped;          /* else an earlier run committed it */
	last->in = stage_counts(l->stage)->in;
	last->seen = stage_reject_lines(l->stage);
	last->at = spool_get_end(&l->batch.spool);
	memcpy(last->stages, m->stages, sizeof(last->stages));
	last->nstages = m->nstages;
	return 0;
}

void
stream_forget_batch(struct stream *s)
{
	/* The commit has moved the checkpoint, which adds 1 to its version. */
	if (stream_has_checkpoint(s) && s->value != NULL)
		s->expected++;
	free(s->value);
	free(s->validators);
	s->value = s->validators = NULL;
	buf_clear(&s->files);
	free_letters(s);
	s->last.open = false;
	s->batches++;
}

void
ledger_put_counts(struct buf *b, const struct loader *l, const struct sums *t)
{
	const struct boundary *last = &l->stream.last;

	buf_str(b, "[");
	for (size_t i = 0; i < last->nstages; i++) {
		mark_put_counts(b, &last->stages[i]);
		buf_char(b, ',');
	}
	buf_str(b, "{");
	json_put_text(b, "stage", stage_name(l->stage));
	json_put_int(b, "in", (int64_t)t->in);
	json_put_int(b, "inserted", (int64_t)t->inserted);
	json_put_int(b, "updated", (int64_t)t->updated);
	json_put_int(b, "unchanged", (int64_t)t->unchanged);
	json_put_int(b, "superseded", (int64_t)t->superseded);
	json_put_int(b, "skipped", (int64_t)t->skipped);
	json_put_int(b, "deleted", (int64_t)t->deleted);
	if (l->mode->deletes)
		json_put_int(b, "missed", (int64_t)t->missed);
	if (l->mode->removes)
		json_put_int(b, "removed", (int64_t)t->removed);
	json_put_int(b, "rejected", (int64_t)t->rejected);
	buf_str(b, "}]");
}

int
ledger_parse_counts(struct sums *sums, const char *json, size_t len,
    struct err *e)
{
	struct run_counts t = { 0 };
	const int64_t *c;
	int rc;

	*sums = (struct sums){ 0 };
	rc = run_counts_add_json(&t, json, len, e);
	if (rc == 0 && t.n > 0) {
		c = t.stages[t.n - 1].count;
		*sums = (struct sums){
			.in = (uint64_t)c[COUNT_IN],
			.inserted = (uint64_t)c[COUNT_INSERTED],
			.updated = (uint64_t)c[COUNT_UPDATED],
			.unchanged = (uint64_t)c[COUNT_UNCHANGED],
			.superseded = (uint64_t)c[COUNT_SUPERSEDED],
			.skipped = (uint64_t)c[COUNT_SKIPPED],
			.deleted = (uint64_t)c[COUNT_DELETED],
			.missed = (uint64_t)c[COUNT_MISSED],
			.rejected = (uint64_t)c[COUNT_REJECTED],
			.removed = (uint64_t)c[COUNT_REMOVED]
		};
	}
	run_counts_release(&t);
	return rc;
}

/* The files of etl-extract --new-files, which the marks of a stream name: those
 * that were read to their end, and those that are broken. */

bool
stream_has_checkpoint(const struct stream *s)
{
	return s->checkpoint != NULL && !s->passive;
}

int
stream_store_done(struct loader *l, struct err *e)
{
	const struct stream *s = &l->stream;
	struct files_change change = { 0 };
	struct buf b;
	int rc;

	if (s->files.len == 0)
		return 0;
	buf_init(&b, SIZE_MAX / 4);
	buf_add(&b, s->files.data, s->files.len);
	buf_char(&b, ']');
	change.done = buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = files_store(l->db, s->checkpoint, l->run, &change, e);
	buf_release(&b);
	return rc;
}

/* Stores the broken files in the open transaction and commits it. Returns 1:
 * stored; 0: another run has moved the checkpoint; -1 with *e. */
static int
store_broken(struct loader *l, const struct checkpoint_move *m, struct err *e)
{
	const struct files_change change = {
	    .broken = stage_last_mark(l->stage)->files };
	int64_t row;

	if (control_limit_idle(l->db, e) == -1 ||
	    (l->run != NULL &&
		run_fence(l->db, l->run, &row, e) == -1))
		return -1;
	switch (checkpoint_move(l->db, m, e)) {
	case CHECKPOINT_MOVED:
		break;
	case CHECKPOINT_LOST:
		return 0;
	default:
		return -1;
	}
	return files_store(l->db, m->name, l->run, &change, e) == -1 ||
	    db_commit(l->db, e) == -1 ? -1 : 1;
}

/* Stores the broken files in a transaction of its own. Rolls back unless the
 * files are stored. */
static int
try_store_broken(struct loader *l, const struct checkpoint_move *m,
    struct err *e)
{
	int rc;

	if (db_begin(l->db, e) == -1)
		return -1;
	if ((rc = store_broken(l, m, e)) != 1)
		db_rollback(l->db);
	return rc;
}

int
stream_store_broken(struct loader *l, struct err *e)
{
	const struct mark *m = stage_last_mark(l->stage);
	const struct stream *s = &l->stream;
	const struct checkpoint_move move = { .name = s->checkpoint,
	    .expected = s->known || m == NULL || !m->has_version ?
		s->expected : (int64_t)m->version, .run = l->run };
	uint64_t tries = 0;

	if (m == NULL || m->kind != MARK_FAILED || m->files == NULL ||
	    !stream_has_checkpoint(s) || s->skipping || s->loaded)
		return 0;
	l->batch.unknown = false;
	while (try_store_broken(l, &move, e) == -1)
		if (batch_recover(l, &tries, e) == -1)
			return -1;
	return 0;
}
