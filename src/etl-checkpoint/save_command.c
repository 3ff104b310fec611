/* The sub-command save: copies a stream from standard input to standard output,
 * and saves the values of its checkpoint marks to a state file. It is for a
 * pipeline without etl-load, which would save them to the database. */
#include "checkpoint.h"
#include "checkpoint_saver.h"

#include "control/statefile.h"
#include "stream/fdwrite.h"
#include "stream/stage.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_EVERY = 256 };      /* records between readings of the clock */

struct save {
	struct stage *stage;
	struct saver saver;
	struct json json;
	unsigned records;
	bool begun;             /* the begin mark names a checkpoint */
};

/* Fails if the stream has no checkpoints, or is a replay. */
static int
check_stream(struct save *s, struct err *e)
{
	const struct mark *m = stage_begin_mark(s->stage);

	if (s->begun)
		return 0;
	if (m != NULL && m->replay)
		return err_set(e, ERR_CONFIG, false, "a replay has no "
		    "checkpoint to save: leave etl-checkpoint out");
	if (m == NULL || m->checkpoint == NULL)
		return err_set(e, ERR_CONFIG, false, "the stream has no "
		    "checkpoints: give etl-extract --checkpoint NAME and the "
		    "same --state");
	s->begun = true;
	return 0;
}

/* Writes the record. Every LOOK_EVERY records, saves the value if it is due. */
static int
pass_record(struct save *s, const struct line *l, struct err *e)
{
	if (check_stream(s, e) == -1)
		return -1;
	if (++s->records % LOOK_EVERY == 0 &&
	    saver_due_ms(&s->saver) == 0 &&
	    saver_save(&s->saver, e) == -1)
		return -1;
	if (l->too_long)
		return stage_parse(s->stage, l, &s->json, 0, JSON_UNIQUE, e);
	if (stage_emit(s->stage, l->data, l->len, e) == -1)
		return -1;
	stage_count_input(s->stage, true);
	return 0;
}

static int
check_name(const struct save *s, const struct mark *m, struct err *e)
{
	const struct mark *begin = stage_begin_mark(s->stage);

	if (strcmp(m->name, begin->checkpoint) == 0)
		return 0;
	return err_set(e, ERR_PEER, false, "the stream has a checkpoint mark "
	    "of %s, but its begin mark names %s: another program has changed "
	    "the stream", m->name, begin->checkpoint);
}

/* Passes on the mark that was read last, and saves the checkpoint value if that
 * is due. Before the mark end or failed it saves first: if saving fails, the
 * output stream has not ended yet, so etl-checkpoint can still write a mark
 * failed with the cause. */
static int
pass_mark(struct save *s, struct err *e)
{
	const struct mark *m = stage_last_mark(s->stage);

	if (m->kind == MARK_BEGIN) {
		s->begun = false;
		saver_next_stream(&s->saver);
		if (check_stream(s, e) == -1)
			return -1;
	}
	if ((m->kind == MARK_END || m->kind == MARK_FAILED) &&
	    saver_save(&s->saver, e) == -1)
		return -1;
	if (m->kind == MARK_CHECKPOINT && check_name(s, m, e) == -1)
		return -1;
	if (m->kind == MARK_FAILED && stage_begin_mark(s->stage) != NULL &&
	    saver_store_broken(&s->saver,
	    stage_begin_mark(s->stage)->checkpoint, m, e) == -1)
		return -1;
	if (stage_pass(s->stage, e) == -1)
		return -1;
	if (m->kind != MARK_CHECKPOINT)
		return 0;
	if (saver_note_mark(&s->saver, m, e) == -1)
		return -1;
	return saver_due_ms(&s->saver) == 0 ? saver_save(&s->saver, e) : 0;
}

/* Saves the last value and ends the stream. Fails if the input is empty. */
static int
finish_stream(struct save *s, struct err *e)
{
	if (saver_save(&s->saver, e) == -1 || stage_end(s->stage, e) == -1)
		return -1;
	if (stage_begin_mark(s->stage) != NULL)
		return 0;
	return err_set(e, ERR_RETRY, true, "the input is empty, without a "
	    "begin mark: the program before this one has failed");
}

/* Passes the stream on, and saves the values of its checkpoints. */
static int
pass_stream(struct save *s, struct err *e)
{
	struct err other = { 0 };
	enum stage_item item;
	struct line l;
	int rc = 0;

	while (rc != -1) {
		item = stage_next(s->stage, &l, saver_due_ms(&s->saver), e);
		if (item == STAGE_RECORD)
			rc = pass_record(s, &l, e);
		else if (item == STAGE_MARK)
			rc = pass_mark(s, e);
		else if (item == STAGE_WAIT)
			rc = saver_due_ms(&s->saver) == 0 ?
			    saver_save(&s->saver, e) : 0;
		else if (item == STAGE_END)
			return finish_stream(s, e);
		else {
			if (item == STAGE_STOP)
				(void)saver_save(&s->saver, &other);
			return -1;
		}
	}
	return -1;
}

/* If standard output is a file opened for appending whose last line has no LF,
 * because a program was killed while it wrote the line, writes an LF. Else the
 * first line of this stream would continue that line. */
static int
end_torn_line(struct err *e)
{
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_APPEND) == 0 ||
	    !fd_lacks_newline(STDOUT_FILENO) ||
	    fd_write_all(STDOUT_FILENO, "\n", 1) == 0)
		return 0;
	return err_errno(e, ERR_IO, "standard output");
}

int
save_command(struct command *c, struct err *e)
{
	const struct stage_conf conf = { .name = "checkpoint", .checks = true,
	    .bare = c->opts->no_marks, .marked = c->opts->marked,
	    .max_record = c->opts->max_record,
	    .fds = c->fds };
	struct save s = { .saver = { .path = c->path, .fds = c->fds } };
	int rc = -1;

	if (stage_open(&s.stage, &conf, e) == -1) {
		stage_fail_early(conf.name, e);
		return -1;
	}
	if (statefile_check(c->path, e) == 0 && end_torn_line(e) == 0)
		rc = pass_stream(&s, e);
	if (rc == -1)
		stage_fail(s.stage, e);
	saver_release(&s.saver);
	json_release(&s.json);
	stage_close(s.stage);
	return rc;
}
