/* Handles the marks of a stream. Stores nothing in the database: it notes in
 * l->stream what the next batch_commit() stores. These
 * flags steer other files:
 * - s->segments: load.c commits only at a boundary (the mark `checkpoint`,
 *   `resolve` or `end`). True for a stream with checkpoints and for a replay.
 * - l->whole: load.c commits once, at the mark `end`.
 * - s->passive (--again or --no-checkpoint): ledger_row.c neither checks nor
 *   moves the checkpoint, and batch_rejects.c resolves no dead letter.
 * - s->judged: late_letters.c looks at all letters of the batch before the
 *   first record is written. So the batch is as large as possible, and --batch
 *   has no effect on the letters that stay open.
 * - s->last.open: the last boundary has not been committed yet, so load.c may
 *   commit up to it.
 * ledger_row.c reads the stream's row in the ledger (table etl_loads) and sets
 * two more flags. Both mean that load.c skips records:
 * - s->loaded: an earlier run has loaded the whole stream.
 * - s->skipping: it has loaded the part up to mark s->skip_seq. */
#include "loader.h"

#include "base/hash.h"
#include "control/checkpoints.h"
#include "ledger/complete.h"

#include <stdlib.h>
#include <string.h>

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
		l->whole = l->o->single || l->expect.n > 0;
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
	s->letter_ends[s->nletters] = spool_get_end(&l->spool).total;
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
	last->at = spool_get_end(&l->spool);
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
