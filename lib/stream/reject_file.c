#include "reject.h"

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

struct aside {
	int fd;
	bool own;               /* opened here */
	bool regular, pipe;
	bool whole;             /* the file's last line ends in LF */
	char name[];
};

static int
open_file(const char *file, struct err *e)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

	if (fd == -1)
		return err_set(e, ERR_CREATE, false, "--rejects %s: %s", file,
		    strerror(errno));
	return fd;
}

/* Stages that opened one file each, as in a 3>f | b 3>f, must not write over
 * each other. */
static void
judge_fd(struct aside *a)
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
aside_open(struct aside **out, const char *file, const struct stdfd *s,
    struct err *e)
{
	const char *name = file != NULL ? file : "descriptor 3";
	struct aside *a;
	int fd = REJECT_FD;

	*out = NULL;
	if (file == NULL && (s == NULL || !s->rejects))
		return 0;
	if (file != NULL && (fd = open_file(file, e)) == -1)
		return -1;
	if ((a = calloc(1, sizeof(*a) + strlen(name) + 1)) == NULL) {
		if (file != NULL)
			(void)close(fd);
		return err_nomem(e);
	}
	a->fd = fd;
	a->own = file != NULL;
	memcpy(a->name, name, strlen(name) + 1);
	judge_fd(a);
	*out = a;
	return 0;
}

bool
aside_is(const struct aside *a, const struct stat *st)
{
	struct stat mine;

	return a != NULL && (a->regular || a->pipe) &&
	    fstat(a->fd, &mine) == 0 && mine.st_dev == st->st_dev &&
	    mine.st_ino == st->st_ino;
}

void
aside_close(struct aside *a)
{
	if (a == NULL)
		return;
	if (a->own)
		(void)close(a->fd);
	free(a);
}

/* A full disk or a kill may have left half a line at the end. */
static bool
is_torn(int fd)
{
	char path[48], last = '\n';
	struct stat st;
	int in;

	if (fstat(fd, &st) == -1 || st.st_size == 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((in = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	(void)!pread(in, &last, 1, st.st_size - 1);
	(void)close(in);
	return last != '\n';
}

/* The reader's end does not matter: who dies here has failed, not the reader
 * of stdout, so EPIPE is no quiet end. */
static int
failed(const struct aside *a, struct err *e)
{
	return err_set(e, ERR_IO, errno == ENOMEM, "%s: cannot write a "
	    "reject: %s", a->name, strerror(errno));
}

/* A record lock holds between processes on a pipe too (Linux), whichever
 * descriptor they have it by, and ends with its holder. */
static int
set_lock(const struct aside *a, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(a->fd, F_SETLKW, &l) == -1)
		if (errno != EINTR || stop_signal() != 0)
			return -1;
	return 0;
}

static int
write_pipe(const struct aside *a, const char *p, size_t n)
{
	int rc;

	/* A file system without locks: a short line is atomic anyhow. */
	if (set_lock(a, F_WRLCK) == -1 &&
	    (errno == EINTR || n > PIPE_BUF))
		return -1;
	rc = fd_write(a->fd, p, n);
	(void)set_lock(a, F_UNLCK);
	return rc;
}

/* One write(2), so that nobody's line comes between. */
static int
write_file(const struct aside *a, const char *p, size_t n)
{
	ssize_t done = write(a->fd, p, n);

	if (done == -1 && errno != EINTR && errno != EAGAIN)
		return -1;
	if (done == -1)
		done = 0;
	return fd_write(a->fd, p + done, n - (size_t)done);
}

/* Of two that end it both, one adds a blank line, which nobody reads. */
static int
end_torn(struct aside *a)
{
	if (a->regular && !a->whole && is_torn(a->fd) &&
	    write_file(a, "\n", 1) == -1)
		return -1;
	a->whole = true;
	return 0;
}

int
aside_write(struct aside *a, const char *line, size_t len, struct err *e)
{
	int rc = end_torn(a);

	if (rc == 0)
		rc = a->pipe ? write_pipe(a, line, len) :
		    write_file(a, line, len);
	return rc == -1 ? failed(a, e) : 0;
}
