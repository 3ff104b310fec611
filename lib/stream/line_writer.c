#include "stream/line_writer.h"

#include "base/clock.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUT_MAX = 64 << 10, PIPE_WANTED = 1 << 20 };

struct out {
	int fd;
	bool broken;            /* a write failed, perhaps inside a line */
	const char *name;
	size_t len;
	char data[OUT_MAX];
};

int
out_open(struct out **out, int fd, const char *name, struct err *e)
{
	struct out *o = malloc(sizeof(*o));
	struct stat st;

	if (o == NULL)
		return err_nomem(e);
	o->fd = fd;
	o->broken = false;
	o->name = name;
	o->len = 0;
	/* Try to enlarge the pipe to 1 MiB: the programs at both ends then
	 * block less often and work in parallel. */
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_WANTED);
	*out = o;
	return 0;
}

void
out_free(struct out *o)
{
	free(o);
}

/* Writes all bytes. Fails if an earlier write has failed. */
static int
out_write_all(struct out *o, const char *p, size_t n, struct err *e)
{
	if (o->broken)
		return err_set(e, ERR_IO, false, "%s: nothing more was "
		    "written, because an earlier write failed and may have "
		    "left a part of a line", o->name);
	if (fd_write_all(o->fd, p, n) == 0)
		return 0;
	o->broken = true;
	if (errno == ETIMEDOUT && stop_signal() != 0)
		return err_set(e, ERR_RETRY, true, "stopped by signal %s while "
		    "the program that reads %s did not read",
		    sigabbrev_np(stop_signal()), o->name);
	return err_errno(e, ERR_IO, o->name);
}

int
out_flush(struct out *o, struct err *e)
{
	size_t n = o->len;

	o->len = 0;
	return n > 0 ? out_write_all(o, o->data, n, e) : 0;
}

int
out_write_part(struct out *o, const char *p, size_t n, struct err *e)
{
	if (n > sizeof(o->data) - o->len && out_flush(o, e) == -1)
		return -1;
	if (n > sizeof(o->data))
		return out_write_all(o, p, n, e);
	if (n > 0)
		memcpy(o->data + o->len, p, n);
	o->len += n;
	return 0;
}

int
out_write_line(struct out *o, const char *p, size_t n, struct err *e)
{
	if (n + 1 > sizeof(o->data) - o->len && out_flush(o, e) == -1)
		return -1;
	if (n + 1 > sizeof(o->data))
		return out_write_all(o, p, n, e) == -1 ||
			       out_write_all(o, "\n", 1, e) == -1 ? -1 : 0;
	memcpy(o->data + o->len, p, n);
	o->data[o->len + n] = '\n';
	o->len += n + 1;
	return 0;
}

enum { GRACE_MS = 1000, STILL_MS = 250 };

/* After a stop signal: writes until all bytes are written, one second has
 * passed, or the reader has accepted nothing for 250 ms. Each write(2) has at
 * most PIPE_BUF bytes, because a pipe that poll(2) reports as writable accepts
 * this number of bytes without blocking. */
static int
write_within_grace(int fd, const char *p, size_t n)
{
	int64_t now = clock_ms(), end = now + GRACE_MS, taken = now, left;
	struct pollfd w = { .fd = fd, .events = POLLOUT };
	ssize_t done;

	for (; n > 0; now = clock_ms()) {
		left = taken + STILL_MS < end ? taken + STILL_MS : end;
		left -= now;
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&w, 1, (int)left) <= 0)
			continue;
		done = write(fd, p, n < PIPE_BUF ? n : PIPE_BUF);
		if (done == -1 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
			taken = clock_ms();
		}
	}
	return 0;
}

int
fd_write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		if (stop_signal() != 0)
			return write_within_grace(fd, p, n);
		done = write(fd, p, n);
		if (done == -1 && errno == EAGAIN) {
			(void)wait_fd(fd, POLLOUT, -1);
		} else if (done == -1 && errno != EINTR) {
			return -1;
		} else if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int
fd_write_line(int fd, const char *p, size_t n)
{
	ssize_t done = write(fd, p, n);

	if (done == -1 && errno != EINTR && errno != EAGAIN)
		return -1;
	if (done == -1)
		done = 0;
	return fd_write_all(fd, p + done, n - (size_t)done);
}

bool
fd_lacks_newline(int fd)
{
	char path[48], last = '\n';
	struct stat st;
	int in;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if ((in = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	(void)!pread(in, &last, 1, st.st_size - 1);
	(void)close(in);
	return last != '\n';
}
