#include "checkpoint_saver.h"

#include "base/clock.h"
#include "control/statefile.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Fails if standard output is a pipe whose reader has exited: the records that
 * are still in the pipe are lost, so the checkpoint must not be saved. */
static int
check_reader(struct err *e)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLERR) == 0)
		return 0;
	errno = EPIPE;
	return err_errno(e, ERR_IO, "standard output");
}

int
saver_due_ms(const struct saver *s)
{
	int64_t left;

	if (!s->pending)
		return -1;
	left = s->ever ? s->at + PAUSE_MS - clock_ms() : 0;
	return left > 0 ? (int)left : 0;
}

/* Forces the records and rejects to the disk. This must be done before the
 * checkpoint is saved, which says that they are written. */
static int
sync_output(const struct saver *s, struct err *e)
{
	if (check_reader(e) == -1 ||
	    sync_file(STDOUT_FILENO, "standard output", e) == -1)
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

int
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

int
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

int
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

void
saver_next_stream(struct saver *s)
{
	s->own = false;
}

void
saver_release(struct saver *s)
{
	free(s->name);
	free(s->value);
	free(s->validators);
	buf_release(&s->files);
	s->name = s->value = s->validators = NULL;
}
