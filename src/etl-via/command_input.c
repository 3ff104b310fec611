#include "command_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t
command_write(struct child *c, const char *p, size_t n)
{
	ssize_t done = write(c->in, p, n);

	if (done >= 0)
		return (size_t)done;
	if (errno != EAGAIN && errno != EINTR) {
		c->has_closed_stdin = true;
		child_close_fd(&c->in);
	}
	return 0;
}

/* Closes CMD's standard input. Before that it opens a read end of the same
 * pipe, so that command_check() can query how many bytes CMD has left unread.
 * etl-via does not hold a read end earlier: it would keep a write from failing
 * with EPIPE after CMD has closed its standard input. */
int
command_close_input(struct child *c, struct err *e)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", c->in);
	c->unread = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (c->unread == -1)
		return err_errno(e, ERR_IO, path);
	child_close_fd(&c->in);
	return 0;
}

int
command_check(struct child *c, const bool ok[256], struct err *e)
{
	const char *name = sigabbrev_np(c->signal);
	int left = 0, fd = c->unread != -1 ? c->unread : c->in;

	if (c->has_exited && c->signal != 0)
		return err_set(e, ERR_REFUSED, false, "%s: killed by signal "
		    "%s", c->name, name != NULL ? name : "unknown");
	if (c->has_exited && !ok[c->status & 255])
		return err_set(e, ERR_REFUSED, false, "%s: exited with status "
		    "%d, which is not in --ok: if this means success, add it, "
		    "for example --ok 0,%d", c->name, c->status, c->status);
	if (fd != -1 && ioctl(fd, FIONREAD, &left) == -1)
		return err_errno(e, ERR_IO, c->name);
	if (!c->has_closed_stdin && left == 0)
		return 0;
	return err_set(e, ERR_REFUSED, false, "%s: did not read all of its "
	    "input: the command must read every record", c->name);
}
