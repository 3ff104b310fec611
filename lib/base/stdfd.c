#include "stdfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { REJECT_FD = 3 };

/* Returns true if the descriptors a and b refer to the same file. */
static bool
have_same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino &&
	    sa.st_rdev == sb.st_rdev;
}

/* Of the character devices only a terminal, /dev/null (device 1:3) and
 * /dev/full (device 1:7) are accepted for rejects. */
static bool
is_reject_device(int fd, dev_t dev)
{
	return isatty(fd) == 1 ||
	    dev == makedev(1, 3) || dev == makedev(1, 7);
}

/* Returns true if rejects may be written to this kind of file. */
static bool
is_reject_place(int fd, const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode) ||
	    (S_ISCHR(st->st_mode) && is_reject_device(fd, st->st_rdev));
}

/* systemd passes sockets as descriptors from 3 on if LISTEN_PID is this process
 * (sd_listen_fds(3)). */
static bool
passed_by_systemd(void)
{
	const char *pid = getenv("LISTEN_PID");

	return pid != NULL && strtol(pid, NULL, 10) == (long)getpid();
}

/* Returns true if fd has the close-on-exec flag. Such a descriptor cannot have
 * come from the parent process: a library that was loaded before main() has
 * opened it. */
static bool
has_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags != -1 && (flags & FD_CLOEXEC) != 0;
}

/* Sets s->rejects if descriptor 3 can take rejects, and s->same if it is also
 * the file of standard output. */
static void
probe_fd3(struct stdfd *s)
{
	struct stat st;
	int flags = fcntl(REJECT_FD, F_GETFL);

	*s = (struct stdfd){ false, false };
	if (flags == -1 || fstat(REJECT_FD, &st) == -1)
		return;
	if ((flags & O_ACCMODE) == O_RDONLY || passed_by_systemd() ||
	    has_cloexec(REJECT_FD) ||
	    !is_reject_place(REJECT_FD, &st))
		return;
	if (!S_ISCHR(st.st_mode) && have_same_file(REJECT_FD, STDIN_FILENO))
		return;
	s->rejects = true;
	s->same = !S_ISCHR(st.st_mode) &&
	    have_same_file(REJECT_FD, STDOUT_FILENO);
}

/* Opens /dev/null as descriptor number fd. The caller starts with descriptor 0
 * and goes up, so the lowest free number, which open(2) returns, usually is
 * fd. */
static int
open_null_as(int fd, int flags, struct err *e)
{
	int got = open("/dev/null", flags);

	if (got == -1)
		return err_errno(e, ERR_IO, "/dev/null");
	if (got == fd)
		return 0;
	if (dup3(got, fd, flags & O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "/dev/null");
	(void)close(got);
	return 0;
}

int
stdfd_claim(struct stdfd *s, struct err *e)
{
	probe_fd3(s);
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open_null_as(fd, fd == 0 ? O_WRONLY : O_RDONLY, e) == -1)
			return -1;
	if (!s->rejects)
		return open_null_as(REJECT_FD, O_RDONLY | O_CLOEXEC, e);
	return 0;
}
