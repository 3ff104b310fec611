#include "ledger/complete.h"

#include "control/checkpoints.h"
#include "control/control.h"

#include <stdlib.h>

/* Makes the name under which the table etl_checkpoints stores how often loads
 * have replaced the table: an @ and the name of the table. The version of this
 * checkpoint is the number. */
static int
init_buf_with_name_of_version(struct buf *b, const struct table *t,
    struct err *e)
{
	buf_init(b, SIZE_MAX / 4);
	buf_printf(b, "@%s", t->full);
	(void)buf_text(b);
	return buf_check(b, e);
}

static int
read_count_of_replacements(struct db *db, struct loaded_table *t, struct err *e)
{
	char *value = NULL;
	struct buf name;
	int rc;

	rc = init_buf_with_name_of_version(&name, t->target.table, e);
	if (rc == 0)
		rc = checkpoint_read(
		    db, buf_text(&name), &value, &t->replaced, e);
	free(value);
	buf_release(&name);
	return rc;
}

int
complete_read_replacement_counts(struct loader *l, struct err *e)
{
	if (!l->mode->complete)
		return 0;
	if (control_ensure_tables(l->db, l->o->control_schema, true, e) ==
	    -1)
		return -1;
	for (size_t i = 0; i < l->ntables; i++)
		if (read_count_of_replacements(l->db, &l->tables[i], e) == -1)
			return -1;
	l->control = true;
	return 0;
}

static int
raise_version_or_fail_if_changed(
    struct loader *l, const struct loaded_table *t, struct err *e)
{
	struct checkpoint_move m = { .expected = t->replaced, .moves = true,
		.run = l->run };
	enum checkpoint_result r = CHECKPOINT_FAILED;
	struct buf name;

	if (init_buf_with_name_of_version(&name, t->target.table, e) == 0) {
		m.name = buf_text(&name);
		r = checkpoint_move(l->db, &m, e);
	}
	buf_release(&name);
	if (r == CHECKPOINT_LOST)
		return err_set(e, ERR_RETRY, false, "table %s: another load "
		    "has replaced rows of this table since this load began: "
		    "nothing of this load was committed; run the command again",
		    t->target.table->name);
	return r == CHECKPOINT_MOVED ? 0 : -1;
}

int
complete_check_and_raise_versions(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables && l->mode->complete; i++)
		if (raise_version_or_fail_if_changed(l, &l->tables[i], e) == -1)
			return -1;
	return 0;
}

void
complete_note_raised_versions(struct loader *l)
{
	for (size_t i = 0; i < l->ntables && l->mode->complete; i++)
		l->tables[i].replaced++;
}

int
complete_refuse_replay(
    const struct loader *l, const struct mark *begin, struct err *e)
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
complete_refuse_second_stream(const struct loader *l, struct err *e)
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

static int
fail_increment(const struct loader *l, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "this stream has only the records "
	    "after the stored value of checkpoint %s: --mode %s needs a full "
	    "read and would delete the rows of all other records; extract "
	    "without --checkpoint, or load with --mode upsert",
	    l->stream.checkpoint, l->mode->name);
}

/* A stored value means that etl-extract has started at this value, and so the
 * stream is an increment. has_stored_value is false with --again and
 * --no-checkpoint, because such a stream may be older than the stored value.
 * Then complete_refuse_increment_at_mark() decides. */
int
complete_refuse_increment_at_begin(const struct loader *l, struct err *e)
{
	return l->mode->complete && l->stream.has_stored_value ?
	    fail_increment(l, e) : 0;
}

/* A mark `checkpoint` with the member `from` belongs to an increment. If there
 * are no records, there may be no mark `checkpoint`: then the mark `end` has
 * the version of the checkpoint, and a version above 0 means that a value was
 * stored. */
int
complete_refuse_increment_at_mark(
    const struct loader *l, const struct mark *m, struct err *e)
{
	const struct stream *s = &l->stream;

	if (!l->mode->complete || s->checkpoint == NULL)
		return 0;
	if (m->kind == MARK_CHECKPOINT ? m->from != NULL :
	    s->passive && !s->begun && m->has_version && m->version > 0)
		return fail_increment(l, e);
	return 0;
}

int
complete_fail_if_input_may_be_cut(const struct loader *l, struct err *e)
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
	if (stage_input_is_complete(l->stage))
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
