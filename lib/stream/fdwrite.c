#include "fdwrite.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
