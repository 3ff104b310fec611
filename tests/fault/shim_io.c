/* The calls that move bytes or make, wait for and drop what does. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASS(name, fd, ...) \
	if (meet(#name, fd, 0, CALLER) == -1) \
		return -1; \
	return NEXT(name)(__VA_ARGS__)

/* What the compiler puts in for calls whose buffer it knows. */
ssize_t read_chk(int fd, void *p, size_t n, size_t size)
    __asm__("__read_chk");
ssize_t pread_chk(int fd, void *p, size_t n, off_t at, size_t size)
    __asm__("__pread64_chk");
ssize_t recv_chk(int fd, void *p, size_t n, size_t size, int flags)
    __asm__("__recv_chk");
int poll_chk(struct pollfd *p, nfds_t n, int timeout, size_t size)
    __asm__("__poll_chk");

ssize_t
read(int fd, void *p, size_t n)
{
	long m = meet("read", fd, n, CALLER);

	return m == -1 ? -1 : syscall(SYS_read, fd, p, m);
}

ssize_t
read_chk(int fd, void *p, size_t n, size_t size)
{
	long m = meet("read", fd, n, CALLER);

	(void)size;
	return m == -1 ? -1 : syscall(SYS_read, fd, p, m);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	long m = meet("write", fd, n, CALLER);

	return m == -1 ? -1 : syscall(SYS_write, fd, p, m);
}

ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	long m = meet("pread", fd, n, CALLER);

	return m == -1 ? -1 : syscall(SYS_pread64, fd, p, m, at);
}

ssize_t
pread64(int fd, void *p, size_t n, off64_t at)
{
	long m = meet("pread", fd, n, CALLER);

	return m == -1 ? -1 : syscall(SYS_pread64, fd, p, m, at);
}

ssize_t
pread_chk(int fd, void *p, size_t n, off_t at, size_t size)
{
	long m = meet("pread", fd, n, CALLER);

	(void)size;
	return m == -1 ? -1 : syscall(SYS_pread64, fd, p, m, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	long m = meet("pwrite", fd, n, CALLER);

	return m == -1 ? -1 : syscall(SYS_pwrite64, fd, p, m, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	long m = meet("pwrite", fd, n, CALLER);

	return m == -1 ? -1 : syscall(SYS_pwrite64, fd, p, m, at);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	long m = meet("send", fd, n, CALLER);

	return m == -1 ? -1 :
	    syscall(SYS_sendto, fd, p, m, flags, NULL, 0);
}

ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	long m = meet("recv", fd, n, CALLER);

	return m == -1 ? -1 :
	    syscall(SYS_recvfrom, fd, p, m, flags, NULL, NULL);
}

ssize_t
recv_chk(int fd, void *p, size_t n, size_t size, int flags)
{
	long m = meet("recv", fd, n, CALLER);

	(void)size;
	return m == -1 ? -1 :
	    syscall(SYS_recvfrom, fd, p, m, flags, NULL, NULL);
}

static mode_t
mode_of(int flags, va_list ap)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ?
	    (mode_t)va_arg(ap, int) : 0;
}

static int
open_as(int dir, const char *path, int flags, mode_t mode, const void *caller)
{
	const char *name = (flags & O_CREAT) != 0 ? "create" : "open";

	if (meet(name, -1, 0, caller) == -1)
		return -1;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_as(AT_FDCWD, path, flags, mode, CALLER);
}

int
open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_as(AT_FDCWD, path, flags, mode, CALLER);
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_as(dir, path, flags, mode, CALLER);
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

int
fsync(int fd)
{
	PASS(fsync, fd, fd);
}

int
fdatasync(int fd)
{
	PASS(fdatasync, fd, fd);
}

int
ftruncate(int fd, off_t n)
{
	PASS(ftruncate, fd, fd, n);
}

int
ftruncate64(int fd, off64_t n)
{
	if (meet("ftruncate", fd, 0, CALLER) == -1)
		return -1;
	return NEXT(ftruncate)(fd, n);
}

int
rename(const char *from, const char *to)
{
	PASS(rename, -1, from, to);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	PASS(renameat, -1, from_dir, from, to_dir, to);
}

int
link(const char *from, const char *to)
{
	PASS(link, -1, from, to);
}

int
unlink(const char *path)
{
	PASS(unlink, -1, path);
}

int
mkdir(const char *path, mode_t mode)
{
	PASS(mkdir, -1, path, mode);
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

int
fcntl64(int fd, int what, ...)
{
	va_list ap;
	int rc;

	va_start(ap, what);
	rc = fcntl_as(fd, what, ap, CALLER);
	va_end(ap);
	return rc;
}

int
flock(int fd, int what)
{
	PASS(flock, fd, fd, what);
}

int
poll(struct pollfd *p, nfds_t n, int timeout)
{
	PASS(poll, -1, p, n, timeout);
}

int
poll_chk(struct pollfd *p, nfds_t n, int timeout, size_t size)
{
	(void)size;
	PASS(poll, -1, p, n, timeout);
}

int
ppoll(struct pollfd *p, nfds_t n, const struct timespec *t, const sigset_t *s)
{
	PASS(ppoll, -1, p, n, t, s);
}

int
socket(int family, int type, int protocol)
{
	PASS(socket, -1, family, type, protocol);
}

int
socketpair(int family, int type, int protocol, int out[2])
{
	PASS(socketpair, -1, family, type, protocol, out);
}

int
connect(int fd, const struct sockaddr *to, socklen_t n)
{
	PASS(connect, fd, fd, to, n);
}

int
getsockopt(int fd, int level, int name, void *p, socklen_t *n)
{
	PASS(getsockopt, fd, fd, level, name, p, n);
}

int
setsockopt(int fd, int level, int name, const void *p, socklen_t n)
{
	PASS(setsockopt, fd, fd, level, name, p, n);
}
