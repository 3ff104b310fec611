#include "commit/complete.h"

#include "control/checkpoints.h"
#include "control/control.h"

#include <stdlib.h>

/* The number of replacements is the version of a checkpoint whose name is @ and
 * the name of the table. */
static int
put_name_of_version(struct buf *b, const struct loader *l, struct err *e)
{
	buf_init(b, SIZE_MAX / 4);
	buf_printf(b, "@%s", l->target.table->full);
	(void)buf_text(b);
	return buf_check(b, e);
}

int
complete_read_version(struct loader *l, struct err *e)
{
	char *value = NULL;
	struct buf name;
	int rc;

	if (!l->target.mode->complete)
		return 0;
	rc = put_name_of_version(&name, l, e);
	if (rc == 0)
		rc = control_ensure(l->db, l->o->control_schema, true, e);
	if (rc == 0)
		rc = checkpoint_read(
		    l->db, buf_text(&name), &value, &l->replaced, e);
	l->control = rc == 0;
	free(value);
	buf_release(&name);
	return rc;
}

int
complete_check_and_raise_version(struct loader *l, struct err *e)
{
	struct checkpoint_move m = { .expected = l->replaced, .moves = true,
		.run = l->run };
	enum checkpoint_result r = CHECKPOINT_FAILED;
	struct buf name;

	if (!l->target.mode->complete)
		return 0;
	if (put_name_of_version(&name, l, e) == 0) {
		m.name = buf_text(&name);
		r = checkpoint_move(l->db, &m, e);
	}
	buf_release(&name);
	if (r == CHECKPOINT_LOST)
		return err_set(e, ERR_RETRY, false, "table %s: another load "
		    "has replaced rows of this table since this load began: "
		    "nothing of this load was committed; run the command again",
		    l->target.table->name);
	return r == CHECKPOINT_MOVED ? 0 : -1;
}

int
complete_refuse_replay(
    const struct loader *l, const struct mark *begin, struct err *e)
{
	if (!l->target.mode->complete || !begin->replay)
		return 0;
	return err_set(e, ERR_CONFIG, false, "a replay has only the records "
	    "that were rejected before: --mode %s would delete the rows of all "
	    "others; load the replay with --mode upsert or --mode append",
	    l->target.mode->name);
}

/* In --mode delete-insert each stream replaces the scopes of its own records.
 * But each stream would also empty the scopes of --scope-value, into which the
 * stream before may have just inserted rows. */
int
complete_refuse_second_stream(const struct loader *l, struct err *e)
{
	const struct load_mode *m = l->target.mode;

	if (!l->marked || (!m->replaces && !m->mirrors &&
	    l->o->scope_values.n == 0))
		return 0;
	return err_set(e, ERR_CONFIG, false, "the input has a second stream, "
	    "which would replace the rows of the first one: the first stream "
	    "is loaded, the second one is not; give %s%s one stream",
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
	    l->stream.checkpoint, l->target.mode->name);
}

/* The stored value is the one that etl-extract has read as its start. With
 * --again or --no-checkpoint the stream may be older than the stored value:
 * then only its marks tell. */
int
complete_refuse_increment_at_begin(const struct loader *l, struct err *e)
{
	return l->target.mode->complete && l->stream.has_stored_value ?
	    fail_increment(l, e) : 0;
}

/* A stream without records may have no mark checkpoint. Its mark end then has
 * the version of the checkpoint, which is above 0 if one was stored. */
int
complete_refuse_increment_at_mark(
    const struct loader *l, const struct mark *m, struct err *e)
{
	const struct stream *s = &l->stream;

	if (!l->target.mode->complete || s->checkpoint == NULL)
		return 0;
	if (m->kind == MARK_CHECKPOINT ? m->from != NULL :
	    s->passive && !s->begun && m->has_version && m->version > 0)
		return fail_increment(l, e);
	return 0;
}

int
complete_check_end(const struct loader *l, struct err *e)
{
	const struct mark *begin = stage_begin_mark(l->stage);

	if (!l->target.mode->complete || l->o->complete)
		return 0;
	if (stage_input_is_complete(l->stage))
		return begin == NULL || !begin->piped ? 0 :
		    err_set(e, ERR_DATA, false, "the first etl program has "
			"read this stream from a pipe, or from a file that "
			"another program had read in part, and cannot tell "
			"whether the input was complete, so --mode %s has "
			"loaded nothing: let it read a whole file, or give "
			"--complete if the input is complete",
			l->target.mode->name);
	return err_set(e, ERR_DATA, false, "etl-load cannot tell whether the "
	    "input is complete, so --mode %s has loaded nothing: read a file "
	    "from its begin, or a stream with an end mark such as that of "
	    "etl-extract --stream, or give --complete if the input is complete",
	    l->target.mode->name);
}
