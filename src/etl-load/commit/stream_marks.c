#include "loader.h"

#include "base/hash.h"
#include "db/checkpoints.h"

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
copy(char **to, const char *text, struct err *e)
{
	char *p = NULL;

	if (text != NULL && (p = strdup(text)) == NULL)
		return err_nomem(e);
	free(*to);
	*to = p;
	return 0;
}

/* --again: a stream of its own, with the name of the first one in it. */
static int
set_id(struct loader *l, const char *id, struct err *e)
{
	struct buf b;
	char again[UUID_TEXT];
	int rc;

	if (!l->o->again)
		return copy(&l->stream.id, id, e);
	uuid_new(again);
	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "%s again %s", id, again);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = copy(&l->stream.id, buf_text(&b), e);
	buf_release(&b);
	return rc;
}

static int
begin_check(const struct loader *l, const struct mark *m, struct err *e)
{
	if (m->lookback && !l->target.keyed)
		return err_set(e, ERR_CONFIG, false, "the stream reads again "
		    "what it has read before (--lookback): append would load "
		    "it twice, give --key");
	if (m->checkpoint != NULL && checkpoint_name(m->checkpoint,
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
	if (set_id(l, m->id, e) == -1 ||
	    copy(&s->checkpoint, m->checkpoint, e) == -1)
		return -1;
	s->replay = m->replay;
	s->passive = l->o->again || l->o->no_checkpoint;
	s->segments = s->checkpoint != NULL || s->replay;
	l->marked = true;
	l->whole = l->o->single || (!l->target.keyed && !s->segments);
	sums_add(&l->totals, &l->sums);
	l->sums = (struct sums){ 0 };
	return stream_find(l, e);
}

static int
contradicts(struct err *e, const struct mark *m, const char *why)
{
	return err_set(e, ERR_PEER, false, "mark %llu: %s",
	    (unsigned long long)m->seq, why);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* end has one too: where no checkpoint came, nothing else tells whether
 * somebody has moved it since the source read it. */
static int
take_version(struct stream *s, const struct mark *m, struct err *e)
{
	if (!m->has_version || s->checkpoint == NULL)
		return 0;
	if (m->version > INT64_MAX / 2)
		return contradicts(e, m, "version is too great");
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
		return contradicts(e, m, "a checkpoint, and begin announces "
		    "none");
	if (!same(s->checkpoint, m->name))
		return contradicts(e, m, "a checkpoint of another name than "
		    "begin announces");
	if (first && copy(&s->from, m->from, e) == -1)
		return -1;
	if (first)
		s->version = m->version;
	else if (s->version != m->version || !same(s->from, m->from))
		return contradicts(e, m, "from or version is not that of the "
		    "marks before");
	if (take_version(s, m, e) == -1)
		return -1;
	s->begun = true;
	s->value_seq = m->seq;
	return s->skipping ? 0 : copy(&s->value, m->value, e);
}

static uint64_t
aside(const struct counts *stages, size_t n)
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
	if (copy(&id, m->id, e) == -1)
		return -1;
	s->letters[s->nletters++] = (struct letter_replay){ .id = id,
		.seen = (int64_t)m->seen, .upto = (int64_t)m->upto };
	return 0;
}

static int
take_resolve(struct stream *s, const struct mark *m, struct err *e)
{
	if (!s->replay)
		return contradicts(e, m, "a resolve mark, and begin does not "
		    "say that this is a replay");
	if (aside(m->stages, m->nstages) >
	    aside(s->last.stages, s->last.nstages))
		return err_set(e, ERR_CONFIG, false, "letter %.12s: a stage "
		    "has written its reject elsewhere than into the stream: "
		    "a replay's rejects must come with it", m->id);
	if (m->seen > INT64_MAX / 2)
		return contradicts(e, m, "seen is too great");
	return s->skipping || s->passive ? 0 : letter_add(s, m, e);
}

/* What was loaded before ends here, or should have. */
static int
skip_to(struct loader *l, const struct mark *m, struct err *e)
{
	struct stream *s = &l->stream;
	uint64_t in = stage_counts(l->stage)->in;

	if (m->seq < s->skip_seq && m->kind != MARK_END)
		return 0;
	if (m->seq != s->skip_seq || l->sums.in != in)
		return err_set(e, ERR_PEER, false, "this stream was loaded "
		    "up to mark %llu and record %llu, where it now has mark "
		    "%llu and record %llu: it is not the same",
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
		return contradicts(e, m, "seq begins with 1");
	if (m->kind == MARK_CHECKPOINT && take_checkpoint(s, m, e) == -1)
		return -1;
	if (m->kind == MARK_RESOLVE && take_resolve(s, m, e) == -1)
		return -1;
	if (m->kind == MARK_END && take_version(s, m, e) == -1)
		return -1;
	if (s->skipping && skip_to(l, m, e) == -1)
		return -1;
	if (m->has_seq)
		last->seq = m->seq;
	last->open = !skipped;
	last->in = stage_counts(l->stage)->in;
	last->seen = stage_seen(l->stage);
	last->at = spool_edge(&l->spool);
	memcpy(last->stages, m->stages, sizeof(last->stages));
	last->nstages = m->nstages;
	return 0;
}

void
stream_done(struct stream *s)
{
	if (stream_fenced(s) && s->value != NULL)
		s->expected++;
	free(s->value);
	s->value = NULL;
	letters_clear(s);
	s->last.open = false;
	s->batches++;
}
