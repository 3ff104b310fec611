#include "stream/stage.h"
#include "stream/stage_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
stage_hold(struct stage *s, struct err *e)
{
	struct buf both;
	int rc = 0;

	buf_init(&both, SIZE_MAX / 4);
	if (s->kept.len > 0)
		rc = mark_add_files(&both, s->line.data,
		    s->line.len, s->kept.data, s->kept.len, e);
	else
		buf_add(&both, s->line.data, s->line.len);
	if (rc == 0)
		rc = buf_check(&both, e);
	buf_release(&s->kept);
	s->kept = both;
	return rc;
}

/* If a mark checkpoint is held back, writes it, just before the mark resolve or
 * end that was read after it. No record comes between the two marks, so the
 * counts of the mark that was read are right for the held checkpoint, too. */
static int
stage_write_held(struct stage *s, struct err *e)
{
	struct buf moved;
	int rc = -1;

	if (s->kept.len == 0)
		return 0;
	buf_init(&moved, s->text.max);
	buf_clear(&s->text);
	if (mark_replace_stages(&moved, s->kept.data, s->kept.len, s->line.data,
	    s->line.len, e) == 0 &&
	    mark_add_stage(&s->text, moved.data, moved.len, &s->counts, e) == 0)
		rc = out_write_line(s->out, s->text.data, s->text.len, e);
	buf_release(&moved);
	buf_clear(&s->kept);
	return rc;
}

void
stage_drop_passed(struct stage *s, uint64_t n)
{
	s->passed -= n;
	s->counts.dropped += n;
}

int
stage_report_open(struct stage *s, struct err *e)
{
	const struct run_report_input in = { .stage = s->counts.stage };

	return s->conf->source ? 0 : run_report_open(&s->report, &in, e);
}

/* Reports to etl-run that the stream begins in this stage. Call this after
 * begin was read, or before it is written. */
static int
stage_report_begin(struct stage *s, struct err *e)
{
	const struct run_report_input in = { .stage = s->counts.stage,
		.is_source = s->conf->source, .has_output = s->out != NULL };

	return run_report_begin(&s->report, &s->begin, &in, e);
}

int
stage_report_load(struct stage *s, const struct run_report_load *load,
    struct err *e)
{
	return run_report_load(&s->report, load, e);
}

void
stage_report_failed(struct stage *s, const struct err *why, bool maybe_loaded)
{
	run_report_fail(&s->report, s->counts.stage[0] != '\0' ?
	    s->counts.stage : s->conf->name, why, maybe_loaded);
}

void
stage_report_early(const char *name, const struct err *why)
{
	struct run_report r = { .streams = 0 };

	run_report_fail(&r, name, why, false);
}

/* Stores how many reject lines the output stream has, for the report to
 * etl-run. Call this after the mark end was passed on or written. Adds up the
 * reject lines in the output: those of earlier stages, which the mark end has
 * counted, and those of this stage. */
static void
stage_note_rejects(struct stage *s)
{
	const struct mark *m = &s->mark;
	uint64_t n = s->counts.rejected - s->counts.aside;

	if (!s->made)
		for (size_t i = 0; i < m->nstages; i++)
			n += m->stages[i].rejected - m->stages[i].aside;
	s->report.rejects = n;
}

int
stage_flush(struct stage *s, struct err *e)
{
	return s->out != NULL ? out_flush(s->out, e) : 0;
}

int
stage_emit(struct stage *s, const char *rec, size_t len, struct err *e)
{
	if (is_mark_line(rec, len))
		return err_bug(e, "it tried to write a record whose first "
		    "member is @etl");
	if (out_write_line(s->out, rec, len, e) == -1)
		return -1;
	s->counts.out++;
	return 0;
}

int
stage_emit_lines(struct stage *s, const char *lines, size_t len, uint64_t n,
    struct err *e)
{
	if (out_write_part(s->out, lines, len, e) == -1)
		return -1;
	s->counts.out += n;
	return 0;
}

int
stage_emit_raw(struct stage *s,
    int (*write)(void *self, struct out *o, struct err *e), void *self,
    struct err *e)
{
	if (write(self, s->out, e) == -1 ||
	    out_write_line(s->out, "", 0, e) == -1)
		return -1;
	s->counts.out++;
	return 0;
}

void
stage_count_input(struct stage *s, bool passed)
{
	if (passed)
		s->passed++;
	else
		s->counts.dropped++;
	s->judge |= s->counts.rejected > 0 && stage_count_outcomes(s) == 20;
}

void
stage_reset_counts(struct stage *s)
{
	s->counts = (struct counts){ 0 };
	s->passed = s->seen = s->seq = 0;
	s->has_seq = s->judge = false;
	buf_clear(&s->kept);
	memset(s->lines, 0, sizeof(s->lines));
}

/* If the stream is a replay (rejected records that are sent through the
 * pipeline again), the first stage that reads it takes the name of the stage
 * that rejected the records. The name is a part of the reject id, so a record
 * that is rejected again gets the same id. */
int
stage_join_stream(struct stage *s, struct err *e)
{
	const struct mark *b = &s->begin;
	bool first = b->replay && b->nstages == 1 && b->stage != NULL;

	s->who.pipeline = b->replay ? b->pipeline : s->pipeline;
	s->who.stream = b->stream;
	if (b->replay && s->conf->rejects != NULL)
		return err_set(e, ERR_CONFIG, false, "--rejects cannot be used "
		    "in a replay, whose rejects must stay in the stream: leave "
		    "it out");
	if (b->nstages >= MARK_STAGES)
		return err_set(e, ERR_PEER, false, "the stream has passed "
		    "through %d stages; more are not possible", MARK_STAGES);
	mark_name_stage(s->counts.stage, first ? b->stage :
	    stage_wanted_name(s), b->stages, b->nstages);
	(void)snprintf(s->who.stage, sizeof(s->who.stage), "%s",
	    s->counts.stage);
	return stage_report_begin(s, e);
}

/* Copies a text to *out. Leaves *out as it is if the text is NULL or "". */
static int
copy_given(char **out, const char *text, struct err *e)
{
	if (text == NULL || text[0] == '\0')
		return 0;
	*out = strdup(text);
	return *out == NULL ? err_nomem(e) : 0;
}

/* Sets the name of the stream in the mark begin: that of --stream, else that
 * of the checkpoint, else a name made from the source. */
static int
choose_stream_name(struct stage *s, struct err *e)
{
	const struct stage_conf *c = s->conf;
	const char *source = c->source ? c->first_source :
	    c->nfiles > 0 ? c->files[0] : NULL;
	struct buf b;
	int rc;

	if (c->stream != NULL || c->checkpoint != NULL)
		return copy_given(&s->begin.stream,
		    c->stream != NULL ? c->stream : c->checkpoint, e);
	if (c->replay != NULL)
		return copy_given(&s->begin.stream, c->replay->stream, e);
	buf_init(&b, SIZE_MAX / 4);
	stream_name_put(&b, source);
	(void)buf_text(&b);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = copy_given(&s->begin.stream, b.data, e);
	buf_release(&b);
	return rc;
}

static int
fill_begin_mark(struct stage *s, struct err *e)
{
	const struct mark *r = s->conf->replay;
	const char *pipeline = getenv("ETL_PIPELINE");
	const char *checkpoint = s->conf->checkpoint;
	struct mark *b = &s->begin;
	char id[UUID_TEXT];

	mark_release(b);
	uuid_new(id);
	b->kind = MARK_BEGIN;
	b->replay = r != NULL;
	b->lookback = s->conf->lookback;
	b->piped = (s->piped || s->begun_before) &&
	    (!s->conf->source || s->conf->reads_stdin);
	if (copy_given(&b->id, id, e) == -1 ||
	    copy_given(&b->run, getenv("ETL_RUN"), e) == -1 ||
	    copy_given(&b->traceparent, getenv("TRACEPARENT"), e) == -1 ||
	    choose_stream_name(s, e) == -1 ||
	    copy_given(&b->checkpoint, checkpoint, e) == -1 ||
	    copy_given(&b->files_by, s->conf->files_by, e) == -1 ||
	    copy_given(&b->pipeline, r != NULL ? r->pipeline : pipeline,
	    e) == -1)
		return -1;
	if (r == NULL)
		return 0;
	return copy_given(&b->stage, r->stage, e) == -1
	    ? -1
	    : copy_given(&b->target, r->target, e);
}

int
stage_begin_stream(struct stage *s, struct err *e)
{
	struct mark *b = &s->begin;

	s->made = true;
	s->state = STATE_OPEN;
	stage_reset_counts(s);
	if (fill_begin_mark(s, e) == -1)
		return -1;
	s->who.stream = s->begin.stream;
	mark_name_stage(s->counts.stage, stage_wanted_name(s), NULL, 0);
	if (stage_report_begin(s, e) == -1)
		return -1;
	if (s->out == NULL)
		return 0;
	/* The mark begin names all stages so far. s->begin.stages holds only
	 * the stages before this one (here none), so add the name of this stage
	 * while the mark is written. */
	b->stages[b->nstages++] = s->counts;
	buf_clear(&s->text);
	if (mark_put_begin(&s->text, b, e) == -1)
		return -1;
	b->nstages = 0;
	s->started = true;
	return out_write_line(s->out, s->text.data, s->text.len, e);
}

int
stage_begin_source(struct stage *s, struct err *e)
{
	if (s->conf->stream == NULL && s->conf->checkpoint == NULL &&
	    s->conf->replay == NULL && !stage_in_etl_run()) {
		s->state = STATE_PLAIN;
		return 0;
	}
	return stage_begin_stream(s, e) == -1 ? -1 : stage_flush(s, e);
}

void
stage_set_version(struct stage *s, uint64_t version)
{
	s->has_version = true;
	s->version = version;
}

/* Writes the mark end of a stream that this stage has begun. */
static int
write_end_mark(struct stage *s, struct err *e)
{
	buf_clear(&s->text);
	if (mark_put_end(&s->text, s->seq, s->has_version ? &s->version : NULL,
	    s->cut, &s->counts, e) == -1)
		return -1;
	s->closed = true;
	stage_note_rejects(s);
	return out_write_line(s->out, s->text.data, s->text.len, e);
}

/* Called before this stage writes a mark begin, checkpoint, resolve or end, and
 * at the end of the stream (`ended`). A mark with wrong counts must not reach
 * the loader: fails if an input record was neither passed nor dropped nor
 * rejected, or if --max-rejects is exceeded. */
static int
check_outcomes(struct stage *s, bool ended, struct err *e)
{
	const struct counts *c = &s->counts;

	if (!s->conf->source && !s->conf->sink &&
	    c->in != s->passed + c->dropped + c->rejected)
		return err_bug(e, "%llu records came in, but %llu passed, "
		    "%llu were dropped and %llu rejected",
		    (unsigned long long)c->in, (unsigned long long)s->passed,
		    (unsigned long long)c->dropped,
		    (unsigned long long)c->rejected);
	return stage_check_limit(s, ended, e);
}

/* Writes the mark in s->text and flushes the output. */
static int
write_mark(struct stage *s, struct err *e)
{
	return out_write_line(s->out, s->text.data, s->text.len, e) == -1 ? -1 :
	    stage_flush(s, e);
}

int
stage_set_broken_files(
    struct stage *s, const struct broken_files *b, struct err *e)
{
	char *copy = strdup(b->json);

	if (copy == NULL)
		return err_nomem(e);
	free(s->broken_json);
	s->broken_json = copy;
	s->broken = (struct broken_files){ copy, b->version };
	return 0;
}

int
stage_checkpoint(struct stage *s, const struct checkpoint_mark *p,
    struct err *e)
{
	buf_clear(&s->text);
	if (check_outcomes(s, false, e) == -1 ||
	    mark_put_checkpoint(&s->text, p, ++s->seq, &s->counts, e) == -1)
		return -1;
	return write_mark(s, e);
}

int
stage_resolve(struct stage *s, const struct resolve_mark *r, struct err *e)
{
	buf_clear(&s->text);
	if (check_outcomes(s, false, e) == -1 ||
	    mark_put_resolve(&s->text, r, ++s->seq, &s->counts, e) == -1)
		return -1;
	return write_mark(s, e);
}

/* Does not write a mark that a reader could refuse because of its length. */
int
stage_write_columns(struct stage *s, const char *types, size_t len,
    struct err *e)
{
	enum { TYPES_MAX = 1 << 20 };

	if (!s->started || len > TYPES_MAX)
		return 0;
	buf_clear(&s->text);
	return mark_put_columns(&s->text, types, len, e) == -1 ? -1 :
	    out_write_line(s->out, s->text.data, s->text.len, e);
}

int
stage_pass(struct stage *s, struct err *e)
{
	enum mark_kind k = s->given->kind;
	bool ended = k == MARK_END;

	if (s->out == NULL)
		return 0;
	if (k == MARK_END)
		stage_note_rejects(s);
	if (s->conf->bare && k != MARK_REJECT)
		return check_outcomes(s, ended, e) == -1
		    ? -1
		    : stage_flush(s, e);
	if (k == MARK_BEGIN || mark_is_boundary(k)) {
		if (check_outcomes(s, ended, e) == -1 ||
		    (k != MARK_CHECKPOINT &&
			stage_write_held(s, e) == -1))
			return -1;
		s->started = true;
		buf_clear(&s->text);
		return mark_add_stage(&s->text, s->line.data, s->line.len,
		    &s->counts, e) == -1 ? -1 : write_mark(s, e);
	}
	if (out_write_line(s->out, s->line.data, s->line.len, e) == -1)
		return -1;
	if (k != MARK_FAILED)
		return 0;
	s->closed = true;
	return stage_flush(s, e);
}

int
stage_set_cut_error(struct err *e)
{
	return err_set(e, ERR_RETRY, true, "the stream was cut off: it has no "
	    "end mark: the program before this one was killed; if it is not an "
	    "etl program, run it as \"etl-via COMMAND\"");
}

int
stage_end(struct stage *s, struct err *e)
{
	bool cut = s->state == STATE_START ||
	    (s->state == STATE_OPEN && !s->made);
	struct reject_tally all;
	char program[64];

	if (s->state == STATE_FAILED) {
		*e = s->cause;
		return -1;
	}
	if (check_outcomes(s, !cut, e) == -1)
		return -1;
	if (cut)
		return stage_set_cut_error(e);
	if (s->made && s->out != NULL && !s->closed &&
	    write_end_mark(s, e) == -1)
		return -1;
	if (stage_flush(s, e) == -1)
		return -1;
	if (!s->conf->sink) {           /* a sink has counted its own rejects */
		(void)snprintf(program, sizeof(program), "etl-%s",
		    s->conf->name);
		all = stage_reject_tally(s, true);
		reject_warn_all(program, &s->limit, &all, s->causes);
	}
	return run_report_end(&s->report, e);
}
