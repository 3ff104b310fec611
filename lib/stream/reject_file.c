#include "reject.h"

#include "base/same_file.h"
#include "base/stop.h"
#include "stream/fdwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REJECT_FD = 3 };

struct reject_file {
	int fd;
	bool own;               /* opened here, so closed here */
	bool regular, pipe;     /* the kind of file */
	bool whole;             /* the last line in the file ends in LF */
	char name[];
};

/* Opens or creates the file, to append to it. */
static int
open_append(const char *file, struct err *e)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		return err_set(e, ERR_CREATE, false, "--rejects %s: %s", file,
		    strerror(errno));
	return fd;
}

/* Sets O_APPEND on a regular file, because several stages may have opened
 * it, as in a 3>f | b 3>f, and must not overwrite each other's lines. */
static void
set_file_kind(struct reject_file *a)
{
	struct stat st;
	int flags = fcntl(a->fd, F_GETFL);

	if (fstat(a->fd, &st) == -1)
		return;
	a->regular = S_ISREG(st.st_mode);
	a->pipe = S_ISFIFO(st.st_mode);
	if (a->regular && flags != -1)
		(void)fcntl(a->fd, F_SETFL, flags | O_APPEND);
}

int
reject_file_open(struct reject_file **out, const char *file,
    const struct stdfd *s, struct err *e)
{
	const char *name = file != NULL ? file : "descriptor 3";
	struct reject_file *a;
	int fd = REJECT_FD;

	*out = NULL;
	if (file == NULL && (s == NULL || !s->rejects))
		return 0;
	if (file != NULL && (fd = open_append(file, e)) == -1)
		return -1;
	if ((a = calloc(1, sizeof(*a) + strlen(name) + 1)) == NULL) {
		if (file != NULL)
			(void)close(fd);
		return err_nomem(e);
	}
	a->fd = fd;
	a->own = file != NULL;
	memcpy(a->name, name, strlen(name) + 1);
	set_file_kind(a);
	*out = a;
	return 0;
}

bool
reject_file_is(const struct reject_file *a, const struct stat *st)
{
	struct stat mine;

	return a != NULL && fstat(a->fd, &mine) == 0 &&
	    is_same_file(&mine, st);
}

void
reject_file_close(struct reject_file *a)
{
	if (a == NULL)
		return;
	if (a->own)
		(void)close(a->fd);
	free(a);
}

/* EPIPE is a failure like any other here: it means that the reader of the
 * rejects has exited. Only if standard output reports EPIPE, a program ends
 * without a message. */
static int
set_write_error(const struct reject_file *a, struct err *e)
{
	return err_set(e, ERR_IO, errno == ENOMEM, "%s: cannot write a "
	    "reject: %s", a->name, strerror(errno));
}

/* Takes (F_WRLCK) or releases (F_UNLCK) a lock of fcntl(2). On Linux such a
 * lock also works on a pipe, between all processes that have the pipe open. The
 * kernel releases the lock if its holder exits. */
static int
set_lock(const struct reject_file *a, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(a->fd, F_SETLKW, &l) == -1)
		if (errno != EINTR || stop_signal() != 0)
			return -1;
	return 0;
}

/* Writes the line to a pipe under a lock. */
static int
write_pipe(const struct reject_file *a, const char *p, size_t n)
{
	int rc;

	/* Without the lock write only a line of up to PIPE_BUF bytes: the
	 * kernel does not mix such a line with the bytes of others. After EINTR
	 * write nothing, because a stop signal came. */
	if (set_lock(a, F_WRLCK) == -1 && (errno == EINTR || n > PIPE_BUF))
		return -1;
	rc = fd_write_all(a->fd, p, n);
	(void)set_lock(a, F_UNLCK);
	return rc;
}

/* Called before the first write: if the last line of the file has no LF,
 * appends one. If two programs do this at the same time, the file gets a blank
 * line, which readers skip. */
static int
end_torn_line(struct reject_file *a)
{
	if (a->regular && !a->whole && fd_lacks_newline(a->fd) &&
	    fd_write_line(a->fd, "\n", 1) == -1)
		return -1;
	a->whole = true;
	return 0;
}

int
reject_file_append(struct reject_file *a, const char *line_with_lf, size_t len,
    struct err *e)
{
	int rc = end_torn_line(a);

	if (rc == 0)
		rc = a->pipe ? write_pipe(a, line_with_lf, len) :
		    fd_write_line(a->fd, line_with_lf, len);
	return rc == -1 ? set_write_error(a, e) : 0;
}
