/* The calls that move bytes or make, wait for and drop what does. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the compiler puts in for calls whose buffer it knows. */
ssize_t read_chk(int fd, void *p, size_t n, size_t size)
    __asm__("__read_chk");
ssize_t pread_chk(int fd, void *p, size_t n, off_t at, size_t size)
    __asm__("__pread64_chk");
ssize_t recv_chk(int fd, void *p, size_t n, size_t size, int flags)
    __asm__("__recv_chk");
int poll_chk(struct pollfd *p, nfds_t n, int timeout, size_t size)
    __asm__("__poll_chk");
int open_without_mode(const char *path, int flags) __asm__("__open_2");

static ssize_t
move(const char *name, long number, int fd, long p, size_t n, long where,
    const void *caller)
{
	long m = meet(name, fd, n, caller);

	return m == -1 ? -1 : syscall(number, fd, p, m, where, NULL, NULL);
}

ssize_t
read(int fd, void *p, size_t n)
{
	return move("read", SYS_read, fd, (long)p, n, 0, CALLER);
}

ssize_t
read_chk(int fd, void *p, size_t n, size_t size)
{
	(void)size;
	return move("read", SYS_read, fd, (long)p, n, 0, CALLER);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return move("write", SYS_write, fd, (long)p, n, 0, CALLER);
}

ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	return move("pread", SYS_pread64, fd, (long)p, n, at, CALLER);
}

ssize_t
pread_chk(int fd, void *p, size_t n, off_t at, size_t size)
{
	(void)size;
	return move("pread", SYS_pread64, fd, (long)p, n, at, CALLER);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return move("pwrite", SYS_pwrite64, fd, (long)p, n, at, CALLER);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	return move("send", SYS_sendto, fd, (long)p, n, flags, CALLER);
}

ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	return move("recv", SYS_recvfrom, fd, (long)p, n, flags, CALLER);
}

ssize_t
recv_chk(int fd, void *p, size_t n, size_t size, int flags)
{
	(void)size;
	return move("recv", SYS_recvfrom, fd, (long)p, n, flags, CALLER);
}

static int
open_as(int dir, const char *path, int flags, va_list ap, const void *caller)
{
	const char *name = (flags & O_CREAT) != 0 ? "create" : "open";
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ?
	    (mode_t)va_arg(ap, int) : 0;

	if (meet(name, -1, 0, caller) == -1)
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int rc;

	va_start(ap, flags);
	rc = open_as(AT_FDCWD, path, flags, ap, CALLER);
	va_end(ap);
	return rc;
}

int
open_without_mode(const char *path, int flags)
{
	if (meet("open", -1, 0, CALLER) == -1)
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int rc;

	va_start(ap, flags);
	rc = open_as(dir, path, flags, ap, CALLER);
	va_end(ap);
	return rc;
}

/* Linux has let go of the descriptor, whatever it says. */
int
close(int fd)
{
	long m = meet("close", fd, 0, CALLER);
	int was = errno, rc = (int)syscall(SYS_close, fd);

	if (m == -1)
		errno = was;
	return m == -1 ? -1 : rc;
}

static int
fcntl_as(int fd, int what, va_list ap, const void *caller)
{
	bool lock = what == F_SETLK || what == F_SETLKW || what == F_GETLK;
	const char *name = what == F_DUPFD || what == F_DUPFD_CLOEXEC ?
	    "dup" : "flags";
	void *p = va_arg(ap, void *);

	if (lock)
		name = ((struct flock *)p)->l_type == F_UNLCK ? "unlock" :
		    "lock";
	if (meet(name, fd, 0, caller) == -1)
		return -1;
	return (int)syscall(SYS_fcntl, fd, what, p);
}

int
fcntl(int fd, int what, ...)
{
	va_list ap;
	int rc;

	va_start(ap, what);
	rc = fcntl_as(fd, what, ap, CALLER);
	va_end(ap);
	return rc;
}

/* Whether they happen is all that is asked of these. */
PASS(fsync, fd, (int fd), fd)
PASS(fdatasync, fd, (int fd), fd)
PASS(ftruncate, fd, (int fd, off_t n), fd, n)
PASS(rename, -1, (const char *from, const char *to), from, to)
PASS(renameat, -1, (int from_dir, const char *from, int to_dir,
    const char *to), from_dir, from, to_dir, to)
PASS(link, -1, (const char *from, const char *to), from, to)
PASS(unlink, -1, (const char *path), path)
PASS(mkdir, -1, (const char *path, mode_t mode), path, mode)
PASS(flock, fd, (int fd, int what), fd, what)
PASS(poll, -1, (struct pollfd *p, nfds_t n, int timeout), p, n, timeout)
PASS(ppoll, -1, (struct pollfd *p, nfds_t n, const struct timespec *t,
    const sigset_t *s), p, n, t, s)
PASS(socket, -1, (int family, int type, int protocol), family, type, protocol)
PASS(socketpair, -1, (int family, int type, int protocol, int out[2]),
    family, type, protocol, out)
PASS(connect, fd, (int fd, const struct sockaddr *to, socklen_t n), fd, to, n)
PASS(getsockopt, fd, (int fd, int level, int name, void *p, socklen_t *n),
    fd, level, name, p, n)
PASS(setsockopt, fd, (int fd, int level, int name, const void *p,
    socklen_t n), fd, level, name, p, n)

int
poll_chk(struct pollfd *p, nfds_t n, int timeout, size_t size)
{
	(void)size;
	if (meet("poll", -1, 0, CALLER) == -1)
		return -1;
	return NEXT(poll)(p, n, timeout);
}

/* Where off_t has 64 bits they are the same. */
#define SAME(name, as) \
	extern __typeof__(as)(name) __attribute__((alias(#as)))
SAME(pread64, pread);
SAME(pwrite64, pwrite);
SAME(open64, open);
SAME(fcntl64, fcntl);
SAME(ftruncate64, ftruncate);
