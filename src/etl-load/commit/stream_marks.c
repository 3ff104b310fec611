#include "loader.h"

#include "base/hash.h"
#include "control/checkpoints.h"

#include <stdlib.h>
#include <string.h>

static void
letters_clear(struct stream *s)
{
	while (s->nletters > 0)
		free((char *)(uintptr_t)s->letters[--s->nletters].id);
}

void
stream_release(struct stream *s)
{
	letters_clear(s);
	free(s->letters);
	free(s->id);
	free(s->checkpoint);
	free(s->from);
	free(s->value);
	*s = (struct stream){ 0 };
}

static int
text_replace(char **to, const char *text, struct err *e)
{
	char *p = NULL;

	if (text != NULL && (p = strdup(text)) == NULL)
		return err_nomem(e);
	free(*to);
	*to = p;
	return 0;
}

/* With --again the ledger treats the stream as another one: its id gets a
 * random suffix. */
static int
set_ledger_id(struct loader *l, const char *id, struct err *e)
{
	struct buf b;
	char again[UUID_TEXT];
	int rc;

	if (!l->o->again)
		return text_replace(&l->stream.id, id, e);
	uuid_new(again);
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "%s again %s", id, again);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = text_replace(&l->stream.id, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

static int
begin_check(const struct loader *l, const struct mark *m, struct err *e)
{
	if (m->lookback && !l->target.keyed)
		return err_set(e, ERR_CONFIG, false, "etl-extract --lookback "
		    "sends records again that were sent before, and append "
		    "would load them twice: give --key");
	if (m->checkpoint != NULL && checkpoint_check_name(m->checkpoint,
	    strlen(m->checkpoint), e) == -1) {
		e->code = ERR_PEER;
		return -1;
	}
	return 0;
}

int
stream_begin(struct loader *l, struct err *e)
{
	const struct mark *m = stage_stream(l->stage);
	struct stream *s = &l->stream;

	if (begin_check(l, m, e) == -1)
		return -1;
	l->passed += s->skipped;
	stream_release(s);
	if (set_ledger_id(l, m->id, e) == -1 ||
	    text_replace(&s->checkpoint, m->checkpoint, e) == -1)
		return -1;
	s->replay = m->replay;
	s->passive = l->o->again || l->o->no_checkpoint;
	s->segments = s->checkpoint != NULL || s->replay;
	l->marked = true;
	l->whole = l->o->single || (!l->target.keyed && !s->segments);
	sums_add(&l->totals, &l->sums);
	l->sums = (struct sums){ 0 };
	return stream_find_row(l, e);
}

static int
mark_is_wrong(struct err *e, const struct mark *m, const char *why)
{
	return err_set(e, ERR_PEER, false, "the stream is damaged: mark %llu: "
	    "%s", (unsigned long long)m->seq, why);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Takes the checkpoint's expected version from a checkpoint mark or from `end`.
 * A stream without a checkpoint mark has it in `end` only, and its loader too
 * must notice that another run has moved the checkpoint. */
static int
take_version(struct stream *s, const struct mark *m, struct err *e)
{
	if (!m->has_version || s->checkpoint == NULL)
		return 0;
	if (m->version > INT64_MAX / 2)
		return mark_is_wrong(e, m, "its version is too large");
	if (!s->known)
		s->expected = (int64_t)m->version;
	s->known = true;
	return 0;
}

static int
take_checkpoint(struct stream *s, const struct mark *m, struct err *e)
{
	bool first = !s->begun;

	if (s->checkpoint == NULL)
		return mark_is_wrong(e, m, "it is a checkpoint, but the mark "
		    "begin names no checkpoint");
	if (!same_text(s->checkpoint, m->name))
		return mark_is_wrong(e, m, "its checkpoint has another name "
		    "than the one in the mark begin");
	if (first && text_replace(&s->from, m->from, e) == -1)
		return -1;
	if (first)
		s->version = m->version;
	else if (s->version != m->version || !same_text(s->from, m->from))
		return mark_is_wrong(e, m, "its from or version differs from "
		    "that of the checkpoint marks before");
	if (take_version(s, m, e) == -1)
		return -1;
	s->begun = true;
	s->value_seq = m->seq;
	return s->skipping ? 0 : text_replace(&s->value, m->value, e);
}

/* How many rejects the stages wrote to files or to file descriptor 3. */
static uint64_t
sum_aside(const struct counts *stages, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += stages[i].aside;
	return sum;
}

static int
letter_add(struct stream *s, const struct mark *m, struct err *e)
{
	size_t room = s->room > 0 ? s->room * 2 : 16;
	struct letter_replay *p;
	char *id = NULL;

	if (s->nletters == s->room) {
		if ((p = realloc(s->letters, room * sizeof(*p))) == NULL)
			return err_nomem(e);
		s->letters = p;
		s->room = room;
	}
	if (text_replace(&id, m->id, e) == -1)
		return -1;
	s->letters[s->nletters++] = (struct letter_replay){ .id = id,
		.seen = (int64_t)m->seen, .upto = (int64_t)m->upto };
	return 0;
}

static int
take_resolve(struct stream *s, const struct mark *m, struct err *e)
{
	if (!s->replay)
		return mark_is_wrong(e, m, "it is a resolve mark, but the mark "
		    "begin does not say that this is a replay");
	if (sum_aside(m->stages, m->nstages) >
	    sum_aside(s->last.stages, s->last.nstages))
		return err_set(e, ERR_CONFIG, false, "letter %.12s: a stage "
		    "of this replay wrote a reject to a file or to file "
		    "descriptor 3: in a replay rejects must travel in the "
		    "stream; remove --rejects and 3>", m->id);
	if (m->seen > INT64_MAX / 2)
		return mark_is_wrong(e, m, "its seen is too large");
	return s->skipping || s->passive ? 0 : letter_add(s, m, e);
}

/* Stops skipping at the boundary up to which the stream was loaded before.
 * Fails if the boundary or the number of records is another one than then. */
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
stream_boundary(struct loader *l, struct err *e)
{
	const struct mark *m = stage_mark(l->stage);
	struct stream *s = &l->stream;
	struct boundary *last = &s->last;
	bool skipped = s->skipping;

	if (m->kind != MARK_END && m->seq == 0)
		return mark_is_wrong(e, m, "its seq is 0, but seq starts at 1");
	if (m->kind == MARK_CHECKPOINT && take_checkpoint(s, m, e) == -1)
		return -1;
	if (m->kind == MARK_RESOLVE && take_resolve(s, m, e) == -1)
		return -1;
	if (m->kind == MARK_END && take_version(s, m, e) == -1)
		return -1;
	if (s->skipping && end_skipping(l, m, e) == -1)
		return -1;
	if (m->has_seq)
		last->seq = m->seq;
	last->open = !skipped;
	last->in = stage_counts(l->stage)->in;
	last->seen = stage_reject_lines(l->stage);
	last->at = spool_edge(&l->spool);
	memcpy(last->stages, m->stages, sizeof(last->stages));
	last->nstages = m->nstages;
	return 0;
}

void
stream_batch_done(struct stream *s)
{
	if (stream_has_checkpoint(s) && s->value != NULL)
		s->expected++;
	free(s->value);
	s->value = NULL;
	letters_clear(s);
	s->last.open = false;
	s->batches++;
}
