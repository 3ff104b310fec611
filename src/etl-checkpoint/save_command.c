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

static int
refuse_stream_without_checkpoint(struct save *s, struct err *e)
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

static int
pass_record_and_save_if_due(struct save *s, const struct line *l, struct err *e)
{
	if (refuse_stream_without_checkpoint(s, e) == -1)
		return -1;
	if (++s->records % LOOK_EVERY == 0 &&
	    saver_ms_until_due(&s->saver) == 0 &&
	    saver_sync_and_save_if_pending(&s->saver, e) == -1)
		return -1;
	if (l->too_long)
		return stage_parse_record_or_reject(
		    s->stage, l, &s->json, 0, JSON_UNIQUE, e);
	if (stage_write_and_count_record(s->stage, l->data, l->len, e) == -1)
		return -1;
	stage_count_as_passed_or_dropped(s->stage, true);
	return 0;
}

static int
check_checkpoint_name(const struct save *s, const struct mark *m, struct err *e)
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
pass_mark_and_save(struct save *s, struct err *e)
{
	const struct mark *m = stage_last_mark(s->stage);

	if (m->kind == MARK_BEGIN) {
		s->begun = false;
		saver_take_version_of_next_mark(&s->saver);
		if (refuse_stream_without_checkpoint(s, e) == -1)
			return -1;
	}
	if ((m->kind == MARK_END || m->kind == MARK_FAILED) &&
	    saver_sync_and_save_if_pending(&s->saver, e) == -1)
		return -1;
	if (m->kind == MARK_CHECKPOINT && check_checkpoint_name(s, m, e) == -1)
		return -1;
	if (m->kind == MARK_FAILED && stage_begin_mark(s->stage) != NULL &&
	    saver_store_broken_files_of_mark(&s->saver,
		stage_begin_mark(s->stage)->checkpoint, m, e) == -1)
		return -1;
	if (stage_check_counts_and_pass_mark(s->stage, e) == -1)
		return -1;
	if (m->kind != MARK_CHECKPOINT)
		return 0;
	if (saver_check_and_set_pending_mark(&s->saver, m, e) == -1)
		return -1;
	return saver_ms_until_due(&s->saver) == 0 ?
	    saver_sync_and_save_if_pending(&s->saver, e)
						  : 0;
}

static int
save_and_finish_or_fail_if_empty(struct save *s, struct err *e)
{
	if (saver_sync_and_save_if_pending(&s->saver, e) == -1 ||
	    stage_check_and_end_stream(s->stage, e) == -1)
		return -1;
	if (stage_begin_mark(s->stage) != NULL)
		return 0;
	return err_set(e, ERR_RETRY, true, "the input is empty, without a "
	    "begin mark: the program before this one has failed");
}

static int
pass_stream_and_save_marks(struct save *s, struct err *e)
{
	struct err other = { 0 };
	enum stage_item item;
	struct line l;
	int rc = 0;

	while (rc != -1) {
		item =
		    stage_next(s->stage, &l, saver_ms_until_due(&s->saver), e);
		if (item == STAGE_RECORD)
			rc = pass_record_and_save_if_due(s, &l, e);
		else if (item == STAGE_MARK)
			rc = pass_mark_and_save(s, e);
		else if (item == STAGE_WAIT)
			rc = saver_ms_until_due(&s->saver) == 0 ?
			    saver_sync_and_save_if_pending(&s->saver, e) : 0;
		else if (item == STAGE_END)
			return save_and_finish_or_fail_if_empty(s, e);
		else {
			if (item == STAGE_STOP)
				(void)saver_sync_and_save_if_pending(&s->saver,
				    &other);
			return -1;
		}
	}
	return -1;
}

/* If standard output is a file opened for appending whose last line has no LF,
 * because a program was killed while it wrote the line, writes an LF. Else the
 * first line of this stream would continue that line. */
static int
end_torn_last_line_of_stdout(struct err *e)
{
	if ((fcntl(STDOUT_FILENO, F_GETFL) & O_APPEND) == 0 ||
	    !fd_file_lacks_final_newline(STDOUT_FILENO) ||
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
		stage_write_failed_mark_early(conf.name, e);
		return -1;
	}
	if (statefile_check_writable_and_valid(c->path, e) == 0 &&
	    end_torn_last_line_of_stdout(e) == 0)
		rc = pass_stream_and_save_marks(&s, e);
	if (rc == -1)
		stage_flush_and_write_failed_mark(s.stage, e);
	saver_release(&s.saver);
	json_release(&s.json);
	stage_close(s.stage);
	return rc;
}
