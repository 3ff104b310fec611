/* The sub-command save: copies a stream from standard input to standard output,
 * and saves the values of its checkpoint marks to a state file. It is for a
 * pipeline without etl-load, which would save them to the database. */
#include "base/clock.h"
#include "base/stdfd.h"
#include "checkpoint.h"
#include "control/statefile.h"
#include "stream/line_writer.h"
#include "stream/mark.h"
#include "stream/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Saves the value of the last checkpoint mark to a state file, at most once a
 * second and at the end of the stream.
 * Owns:  copies of name and value; save_command() frees them.
 * Borrows: path, fds.
 * Fails: ERR_RETRY if another program has changed the checkpoint; ERR_GONE,
 *        without saving, if the reader of standard output has exited. */

struct saver {
	const char *path;
	const struct stdfd *fds;
	char *name, *value, *validators;
	struct buf files;       /* the files of the marks that are not saved
				 * yet: the elements of their arrays */
	bool pending;           /* value must be saved */
	bool own;               /* version is known: from the first mark of
	                         * this stream, and 1 more after each save */
	bool ever;              /* a checkpoint was saved before */
	int64_t version;
	int64_t at;             /* clock_ms() of the last save */
};

enum { PAUSE_MS = 1000, REJECTS_FD = 3 };

/* Forces the data of a file or a disk to the medium; does nothing for a pipe or
 * a terminal. A failed fdatasync(2) is not tried again: the kernel has dropped
 * the pages that it could not write. */
static int
sync_file(int fd, const char *what, struct err *e)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) == -1)
		return err_errno(e, ERR_IO, what);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0;
	do
		rc = fdatasync(fd);
	while (rc == -1 && errno == EINTR);
	return rc == 0 ? 0 : err_errno(e, ERR_IO, what);
}

/* Returns how many ms the value may still wait. 0: it must be saved now; -1:
 * there is no value to save. */
static int
saver_due_ms(const struct saver *s)
{
	int64_t left;

	if (!s->pending)
		return -1;
	left = s->ever ? s->at + PAUSE_MS - clock_ms() : 0;
	return left > 0 ? (int)left : 0;
}

/* Forces the records and rejects to the disk. This must be done before the
 * checkpoint is saved, which says that they are written. Fails if standard
 * output is a pipe whose reader has exited: the records that are still in the
 * pipe are lost. */
static int
sync_output(const struct saver *s, struct err *e)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	if (poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0) {
		errno = EPIPE;
		return err_errno(e, ERR_IO, "standard output");
	}
	if (sync_file(STDOUT_FILENO, "standard output", e) == -1)
		return -1;
	return s->fds->rejects ? sync_file(REJECTS_FD, "descriptor 3", e) : 0;
}

/* Appends the elements of the JSON array `array` to the array in b, whose
 * closing bracket is still missing. */
static int
put_elements(struct buf *b, const char *array, struct err *e)
{
	const size_t n = array != NULL ? strlen(array) : 0;

	if (n <= 2)
		return 0;
	buf_char(b, b->len == 0 ? '[' : ',');
	buf_add(b, array + 1, n - 2);
	return buf_check(b, e);
}

/* Syncs standard output and rejects to the disk, then saves the value. */
static int
saver_save(struct saver *s, struct err *e)
{
	struct files_change files = { 0 };

	if (!s->pending)
		return 0;
	if (s->files.len > 0) {
		buf_char(&s->files, ']');
		files.done = buf_text(&s->files);
		if (buf_check(&s->files, e) == -1)
			return -1;
	}
	if (sync_output(s, e) == -1 ||
	    statefile_move(s->path, s->name, s->value, s->validators, &files,
	    s->version, e) != CHECKPOINT_MOVED)
		return -1;
	buf_clear(&s->files);
	s->pending = false;
	s->own = s->ever = true;
	s->version++;
	s->at = clock_ms();
	return 0;
}

/* Copies the value of a checkpoint mark, to be saved later. All records before
 * the mark must have been written. */
static int
saver_note_mark(struct saver *s, const struct mark *m, struct err *e)
{
	char *name = strdup(m->name), *value = strdup(m->value);
	char *validators = m->validators == NULL ? NULL :
	    strdup(m->validators);

	if (checkpoint_check_name(m->name, strlen(m->name), e) == -1) {
		e->code = ERR_PEER;
		goto out;
	}
	if (name == NULL || value == NULL ||
	    (validators == NULL && m->validators != NULL)) {
		(void)err_nomem(e);
		goto out;
	}
	if (!s->pending) {
		buf_release(&s->files);
		buf_init(&s->files, SIZE_MAX / 4);
	}
	if (put_elements(&s->files, m->files, e) == -1)
		goto out;
	free(s->name);
	free(s->value);
	free(s->validators);
	s->name = name;
	s->value = value;
	s->validators = validators;
	if (!s->own)
		s->version = (int64_t)m->version;
	s->own = s->pending = true;
	return 0;
out:
	free(name);
	free(value);
	free(validators);
	return -1;
}

/* Stores the list of broken files in the mark `failed`. */
static int
saver_store_broken(struct saver *s, const char *name, const struct mark *m,
    struct err *e)
{
	const struct files_change files = { .broken = m->files };
	int64_t version = s->own ? s->version : (int64_t)m->version;

	if (m->files == NULL || name == NULL)
		return 0;
	return statefile_store_files(s->path, name, &files, version,
	    e) == CHECKPOINT_MOVED ? 0 : -1;
}

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

/* Passes on the mark that was read last, and saves the checkpoint value if that
 * is due. Before the mark end or failed it saves first: if saving fails, the
 * output stream has not ended yet, so etl-checkpoint can still write a mark
 * failed with the cause. */
static int
pass_mark(struct save *s, struct err *e)
{
	const struct mark *m = stage_last_mark(s->stage);
	const struct mark *begin = stage_begin_mark(s->stage);

	if (m->kind == MARK_BEGIN) {
		s->begun = false;
		/* The version of the checkpoint comes from the first mark of
		 * each stream. */
		s->saver.own = false;
		if (check_stream(s, e) == -1)
			return -1;
	}
	if ((m->kind == MARK_END || m->kind == MARK_FAILED) &&
	    saver_save(&s->saver, e) == -1)
		return -1;
	if (m->kind == MARK_CHECKPOINT &&
	    strcmp(m->name, begin->checkpoint) != 0)
		return err_set(e, ERR_PEER, false, "the stream has a "
		    "checkpoint mark of %s, but its begin mark names %s: "
		    "another program has changed the stream", m->name,
		    begin->checkpoint);
	if (m->kind == MARK_FAILED && begin != NULL &&
	    saver_store_broken(&s->saver, begin->checkpoint, m, e) == -1)
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
	free(s.saver.name);
	free(s.saver.value);
	free(s.saver.validators);
	buf_release(&s.saver.files);
	json_release(&s.json);
	stage_close(s.stage);
	return rc;
}
