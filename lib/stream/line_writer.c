#include "line_writer.h"

#include "base/stop.h"
#include "stream/fdwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
