#include "base/hash.h"
#include "base/stop.h"
#include "stream/stage.h"
#include "stream/stage_impl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sink counts the reject lines of its input. At each mark checkpoint, resolve
 * and end it compares the counts in the mark with the reject lines and records
 * that it has read. Counts a reject line of the input for the stage that wrote
 * it. If the mark begin (the first line of the stream) does not name that
 * stage, the stage wrote the line before the stream got its marks: it is only
 * added to the total. */
static void
stage_count_reject_line(struct stage *s, const struct mark *m)
{
	s->seen++;
	for (size_t i = 0; i < s->begin.nstages; i++)
		if (strcmp(s->begin.stages[i].stage, m->stage) == 0)
			s->lines[i]++;
}

/* Fails if the mark names other stages than the mark begin. */
static int
check_same_stages(const struct stage *s, const struct mark *m, struct err *e)
{
	bool same = s->begin.nstages == m->nstages;

	for (size_t i = 0; same && i < m->nstages; i++)
		same = strcmp(s->begin.stages[i].stage,
		    m->stages[i].stage) == 0;
	if (same)
		return 0;
	return err_set(e, ERR_PEER, false, "line %llu: this mark names other "
	    "stages than the begin mark: another program has changed the "
	    "stream",
	    (unsigned long long)s->line.number);
}

/* Fails if another number of reject lines has arrived than the stages have
 * written. */
static int
check_reject_lines(const struct stage *s, const struct mark *m, struct err *e)
{
	for (size_t i = 0; i < m->nstages; i++) {
		const struct counts *c = &m->stages[i];
		uint64_t due = c->rejected - c->aside;

		if (s->lines[i] != due)
			return err_set(e, ERR_PEER, false, "stage %s wrote "
			    "%llu reject lines into the stream, but %llu "
			    "arrived: a command after it removes or adds "
			    "lines: run that command as \"etl-via COMMAND\"",
			    c->stage,
			    (unsigned long long)due,
			    (unsigned long long)s->lines[i]);
	}
	return 0;
}

static int
stage_check_counts(const struct stage *s, const struct mark *m, struct err *e)
{
	const struct counts *last;

	if (check_same_stages(s, m, e) == -1 || mark_check_counts(m, e) == -1)
		return -1;
	if (m->nstages == 0)
		return 0;
	last = &m->stages[m->nstages - 1];
	if (mark_check_between(last->stage, last->out, s->counts.stage,
	    s->counts.in, e) == -1)
		return -1;
	return check_reject_lines(s, m, e);
}

/* Flags of struct stage (stage_impl.h) and of its conf that are used here:
 *   made   the input has no mark begin, so this stage starts the marked stream.
 *          If it is a sink (etl-load), stage_next() then also returns a begin
 *          and an end mark that are not in the input
 *   held   the first line was read, but the sink first gets the made begin
 *          mark: the next call of stage_next() returns the line
 *   over   the end of the input was reached
 *   piped  standard input is a pipe or socket, not a file
 *   judge  --max-rejects must be checked before the next line
 *   conf->plain   --plain: the input has no marks
 *   conf->marked  --marked: a file may hold a stream that a pipe may hold
 *   conf->checks  compare the counts in marks, as a sink does
 *   line.torn     the last line of the input, without LF */

/* Sets the error for a stop signal that came. Returns STAGE_STOP. */
static enum stage_item
stage_set_stop_error(struct err *e)
{
	(void)err_set(e, ERR_RETRY, true, "stopped by signal %s",
	    sigabbrev_np(stop_signal()));
	return STAGE_STOP;
}

/* Reads the next line. If it has to wait for input, flushes the output
 * first. */
static enum lines_result
read_line(struct stage *s, int timeout, struct err *e)
{
	enum lines_result r = lines_next(s->in, &s->line, 0, e);

	if (r == LINES_WAIT && timeout != 0) {
		if (stage_flush(s, e) == -1)
			return LINES_FAILED;
		r = lines_next(s->in, &s->line, timeout, e);
	}
	if (r == LINES_FAILED && s->conf->nfiles == 0)
		err_prefix(e, "standard input");
	return r;
}

static bool
line_is_mark(const struct stage *s)
{
	return !s->conf->plain && is_mark_line(s->line.data, s->line.len);
}

/* Cuts a record of more than --max-record bytes and marks it as too long; the
 * caller rejects it later. The line reader also returns longer lines: a reject
 * mark contains a whole record as a JSON string, whose escapes can more than
 * double the length. A mark beyond the reader's limit is an error. */
static int
cut_long_line(struct stage *s, struct err *e)
{
	struct line *l = &s->line;

	if (l->bytes <= s->max_record)
		return 0;
	if (!line_is_mark(s)) {
		if (!l->too_long)
			hash_bytes(l->data, l->len, l->sha256);
		l->too_long = true;
		if (l->len > LINES_KEPT)
			l->len = LINES_KEPT;
		return 0;
	}
	if (!l->too_long)
		return 0;
	return err_set(e, ERR_PEER, false, "line %llu: a mark of %llu bytes is "
	    "too long: give this program the --max-record of the programs "
	    "before it",
	    (unsigned long long)l->number, (unsigned long long)l->bytes);
}

/* Called for a last line without LF of input without marks. Such a line is a
 * record like any other, because a file that was written by hand may end so.
 * But if it is no JSON object, the input was cut off in the middle of it. */
static int
note_torn_record(struct stage *s, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	bool is_object = !s->line.too_long && json_scan(&j, s->line.data,
	    s->line.len, 1, JSON_LAST, &f) == 0 &&
	    j.tok[0].type == JSON_OBJECT;

	json_release(&j);
	if (f.nomem)
		return err_nomem(e);
	return is_object ? 0 : stage_note_cut(s, s->line.file != NULL ?
	    s->line.file : "standard input", s->line.number, e);
}

/* If the last line of a marked stream has no LF, a program was killed while it
 * wrote the line: drops the line (LINES_END). Accepts a complete mark without
 * LF, because a file that was written by hand may end so. */
static enum lines_result
drop_torn_line(struct stage *s, struct err *e)
{
	struct mark m;
	struct err why;

	if (!s->line.torn)
		return LINES_ONE;
	if (s->made || s->state == STATE_PLAIN ||
	    (s->state == STATE_START && !line_is_mark(s)))
		return note_torn_record(s, e) == 0 ? LINES_ONE : LINES_FAILED;
	if (s->state != STATE_OPEN && s->state != STATE_START)
		return LINES_ONE;
	if (!line_is_mark(s))
		return LINES_END;
	if (!s->line.too_long &&
	    mark_parse(&m, s->line.data, s->line.len, &why) == 0) {
		mark_release(&m);
		return LINES_ONE;
	}
	if (s->state == STATE_OPEN)
		return LINES_END;
	(void)stage_set_cut_error(e);
	return LINES_FAILED;
}

static int
set_order_error(const struct stage *s, const char *why, struct err *e)
{
	return err_set(e, ERR_PEER, false, "line %llu: %s",
	    (unsigned long long)s->line.number, why);
}

/* Called if the first line is not the mark begin, or if the input is empty.
 * Outside etl-run the stream is then plain. Inside etl-run this stage starts a
 * marked stream if it reads a file or has --plain. Else it reads a pipe, and
 * fails: the program before it should have written begin. */
static int
start_unmarked(struct stage *s, struct err *e)
{
	if (!stage_in_etl_run()) {
		s->state = STATE_PLAIN;
		return 0;
	}
	if (!s->piped || s->conf->plain)
		return stage_begin_stream(s, e);
	if (s->over)
		return 0;       /* the end of the stream reports the cut */
	return set_order_error(s, "inside etl-run a stream starts with a begin "
	    "mark, and this one does not: run a command that is no etl "
	    "program as \"etl-via COMMAND\", or give --plain", e);
}

/* Returns what the input is, or NULL if it is a pipe or a socket. */
static const char *
name_kind_of_file(int fd)
{
	struct stat st = { 0 };

	(void)fstat(fd, &st);
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		return NULL;
	return S_ISREG(st.st_mode) ? "file" :
	    isatty(fd) == 1 ? "terminal" : "device";
}

/* Fails if the stream may change more than the rows of a table, and does not
 * come from a pipe. A program that writes such a stream writes it to a pipe, or
 * the user has saved it. Any other file may be data of somebody else that looks
 * like a stream. Only a stream whose mark begin has the member checkpoint or
 * replay may move a checkpoint, list files or resolve letters: all programs
 * that do so refuse the marks of another stream. Programs that only pass the
 * marks on fail too, because their output is a pipe. */
static int
refuse_unasked_changes(const struct stage *s, struct err *e)
{
	const struct mark *m = &s->mark;
	const char *kind = name_kind_of_file(lines_descriptor(s->in));

	if (s->conf->marked || kind == NULL ||
	    (m->checkpoint == NULL && !m->replay))
		return 0;
	return err_set(e, ERR_CONFIG, false, "line %llu: a stream that %s%.64s "
	    "comes from a %s and not from a pipe: give --marked if you know "
	    "who wrote it", (unsigned long long)s->line.number,
	    m->checkpoint != NULL ? "moves checkpoint " :
	    "resolves dead letters",
	    m->checkpoint != NULL ? m->checkpoint : "", kind);
}

/* Starts the stream of the mark begin that was read. */
static int
start_marked(struct stage *s, struct err *e)
{
	if (s->state == STATE_PLAIN || s->made)
		return set_order_error(s, "a begin mark after the stream's "
		    "start: give --plain if these are no marks", e);
	if (s->state == STATE_OPEN)
		return set_order_error(s,
		    "a begin mark before the end mark of the stream before it, "
		    "which was cut off: read the two streams separately",
		    e);
	if (refuse_unasked_changes(s, e) == -1)
		return -1;
	mark_release(&s->begin);
	s->begin = s->mark;
	s->mark = (struct mark){ 0 };
	s->given = &s->begin;
	s->state = STATE_OPEN;
	s->started = s->closed = false;
	stage_reset_counts(s);
	return stage_join_stream(s, e);
}

/* Fails if the sequence number of the mark does not go up, or if the mark end
 * has another one than the mark before it. */
static int
advance_seq(struct stage *s, struct err *e)
{
	const struct mark *m = &s->mark;

	if (m->kind == MARK_END) {
		if (m->has_seq != s->has_seq || m->seq != s->seq)
			return set_order_error(s,
			    "the end mark has another seq than the last mark "
			    "before it: some marks were lost",
			    e);
		return 0;
	}
	if (s->has_seq && m->seq <= s->seq)
		return set_order_error(s, "seq does not go up from the mark "
		    "before to this one", e);
	s->has_seq = true;
	s->seq = m->seq;
	return 0;
}

/* Handles a mark checkpoint, resolve or end. A sink also checks its counts. */
static int
take_boundary(struct stage *s, struct err *e)
{
	if (s->state == STATE_ENDED)
		return set_order_error(
		    s, "this mark comes after the end mark", e);
	if (s->state != STATE_OPEN || s->made)
		return set_order_error(s, "this mark has no begin mark before "
		    "it: a command that is no etl program removed it: run "
		    "that command as \"etl-via COMMAND\"", e);
	if (advance_seq(s, e) == -1)
		return -1;
	if ((s->conf->sink || s->conf->checks) &&
	    stage_check_counts(s, &s->mark, e) == -1)
		return -1;
	if (s->mark.kind == MARK_END)
		s->state = STATE_ENDED;
	return 0;
}

/* Called when the mark failed of an earlier stage was read. Returns true if
 * that stage has printed its error on the standard error of the same run of
 * etl-run: this program need not print it again. Returns false if another run
 * has saved the stream. Also returns false if the mark does not say that its
 * stage has printed the error: a program that is not part of etl may not do
 * so. */
static bool
was_printed(const struct stage *s)
{
	const char *run = getenv("ETL_RUN");

	if (run == NULL || !stage_in_etl_run() || !s->mark.printed)
		return false;
	if (s->state == STATE_START)
		return s->piped;
	return !s->made && s->begin.run != NULL &&
	    strcmp(s->begin.run, run) == 0;
}

/* Keeps the failure of the earlier stage, for stage_end(). */
static int
note_failure(struct stage *s, struct err *e)
{
	const struct mark *m = &s->mark;

	(void)err_set(&s->cause, (enum err_code)m->code,
	    m->code == ERR_RETRY, "%s: %s", m->stage, m->message);
	s->cause.origin = was_printed(s) ? ERR_UPSTREAM_PRINTED : ERR_UPSTREAM;
	s->state = STATE_FAILED;
	return 0;
}

/* A raw mark carries the bytes of a letter that etl-extract has rejected. In a
 * replay, etl-extract must read these bytes again. A raw mark that reaches a
 * sink shows that no etl-extract has done so. So the sink fails: it must not
 * resolve the letter. */
static int
take_raw_mark(struct stage *s, struct err *e)
{
	if (s->state != STATE_OPEN || s->made || !s->begin.replay)
		return set_order_error(s, "a raw mark outside of a replay", e);
	if (s->conf->sink)
		return err_set(e, ERR_CONFIG, false, "line %llu: this replay "
		    "has the bytes that etl-extract read: run etl-extract with "
		    "the options of the pipeline and - as its SOURCE directly "
		    "after etl-dlq replay",
		    (unsigned long long)s->line.number);
	s->counts.in += s->conf->reads_raw;
	return 0;
}

static int
apply_mark(struct stage *s, struct err *e)
{
	switch (s->mark.kind) {
	case MARK_BEGIN:
		return start_marked(s, e);
	case MARK_CHECKPOINT:
	case MARK_RESOLVE:
	case MARK_END:
		return take_boundary(s, e);
	case MARK_FAILED:
		return note_failure(s, e);
	case MARK_REJECT:
		if (s->state == STATE_ENDED)
			return set_order_error(
			    s, "a reject after the end mark", e);
		stage_count_reject_line(s, &s->mark);
		break;
	case MARK_RAW:
		return take_raw_mark(s, e);
	case MARK_COLUMNS:
	case MARK_UNKNOWN:
		break;
	}
	return 0;
}

/* Makes stage_next() return the mark m to a sink, although the input has no
 * such mark. */
static enum stage_item
return_made_mark(struct stage *s, const struct mark *m)
{
	s->line = (struct line){ .data = "", .number = s->line.number };
	s->given = m;
	return STAGE_MARK;
}

/* Decides whether the line is a mark or a record. A first line that is no mark
 * begin starts the stream. */
static enum stage_item
process_line(struct stage *s, struct err *e)
{
	bool mark = line_is_mark(s);

	if (mark) {
		mark_release(&s->mark);
		s->given = &s->mark;
		if (mark_parse(&s->mark, s->line.data, s->line.len,
		    e) == -1) {
			s->marks = true;
			err_prefix(e, "line %llu",
			    (unsigned long long)s->line.number);
			return STAGE_FAILED;
		}
		s->marks |= s->mark.kind != MARK_REJECT &&
		    s->mark.kind != MARK_UNKNOWN;
	}
	if (s->state == STATE_START && !(mark &&
	    (s->mark.kind == MARK_BEGIN || s->mark.kind == MARK_FAILED))) {
		if (start_unmarked(s, e) == -1)
			return STAGE_FAILED;
		if (s->made && s->conf->sink) {
			s->held = true;
			s->given = &s->begin;
			return STAGE_MARK;
		}
	}
	if (mark)
		return apply_mark(s, e) == -1 ? STAGE_FAILED : STAGE_MARK;
	if (s->state == STATE_ENDED) {
		(void)set_order_error(s, "a record after the end mark", e);
		return STAGE_FAILED;
	}
	s->counts.in++;
	return STAGE_RECORD;
}

/* Called at the end of the input. If the input has no marks and a sink starts
 * the marked stream, returns the end mark. If the input was empty, returns the
 * begin mark first, and the end mark at the next call. */
static enum stage_item
process_end(struct stage *s, struct err *e)
{
	bool first = s->state == STATE_START;

	s->over = true;
	if (first && start_unmarked(s, e) == -1)
		return STAGE_FAILED;
	if (!s->made || !s->conf->sink || s->state != STATE_OPEN)
		return STAGE_END;
	if (first)
		return return_made_mark(s, &s->begin);
	s->state = STATE_ENDED;
	mark_release(&s->mark);
	s->mark.kind = MARK_END;
	return return_made_mark(s, &s->mark);
}

enum stage_item
stage_next(struct stage *s, struct line *l, int timeout, struct err *e)
{
	enum lines_result r = LINES_ONE;
	enum stage_item item;

	if (stop_signal() != 0)
		return stage_set_stop_error(e);
	if (s->state == STATE_FAILED)
		return STAGE_END;
	if (s->judge) {
		s->judge = false;
		if (stage_check_limit(s, false, e) == -1)
			return STAGE_FAILED;
	}
	if (s->over)
		r = LINES_END;
	else if (!s->held)
		r = read_line(s, timeout, e);
	if (r == LINES_ONE)
		r = drop_torn_line(s, e);
	if (r == LINES_ONE) {
		s->held = false;
		item = cut_long_line(s, e) == -1 ?
		    STAGE_FAILED : process_line(s, e);
	} else if (r == LINES_END) {
		item = process_end(s, e);
	} else if (r == LINES_STOP) {
		return stage_set_stop_error(e);
	} else {
		return r == LINES_WAIT ? STAGE_WAIT : STAGE_FAILED;
	}
	*l = s->line;
	if (item == STAGE_FAILED && l->file != NULL)
		err_prefix(e, "%s", l->file);
	return item;
}

static bool
is_blank(const struct line *l)
{
	for (size_t i = 0; i < l->len; i++)
		if (l->data[i] != ' ' && l->data[i] != '\t' &&
		    l->data[i] != '\r')
			return false;
	return true;
}

enum stage_item
stage_look_ahead(struct stage *s, struct line *l, size_t most, int timeout,
    struct err *e)
{
	enum lines_result r;

	do
		r = lines_look_ahead(s->in, l, most, timeout, e);
	while (r == LINES_ONE && !l->too_long && is_blank(l));
	switch (r) {
	case LINES_ONE:
		break;
	case LINES_END:
		return STAGE_END;
	case LINES_WAIT:
		return STAGE_WAIT;
	case LINES_STOP:
		return stage_set_stop_error(e);
	default:
		err_prefix(e, "standard input");
		return STAGE_FAILED;
	}
	if (!s->conf->plain && is_mark_line(l->data, l->len))
		return STAGE_MARK;
	l->too_long |= l->bytes > s->max_record;
	return STAGE_RECORD;
}

void
stage_restart_ahead(struct stage *s)
{
	lines_restart_ahead(s->in);
}

bool
stage_has_ended(const struct stage *s)
{
	return lines_has_ended(s->in);
}
