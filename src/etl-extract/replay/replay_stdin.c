#include "replay/replay_stdin.h"

#include "base/stop.h"
#include "base/wait.h"
#include "stream/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* LOOK: bytes of the input that are looked at; a mark begin is shorter.
 * PAUSE: ms until the rest of its line is looked for. */
enum { LOOK = 64 << 10, PAUSE = 5 };

/* Copies the bytes that are in the pipe to p and leaves them in the pipe. */
static ssize_t
look_into_pipe(char *p)
{
	ssize_t n;
	int copy[2];

	if (pipe2(copy, O_CLOEXEC) == -1)
		return -1;
	n = tee(STDIN_FILENO, copy[1], LOOK, SPLICE_F_NONBLOCK);
	if (n > 0)
		n = read(copy[0], p, (size_t)n);
	(void)close(copy[0]);
	(void)close(copy[1]);
	return n;
}

static ssize_t
look(const struct stat *st, char *p)
{
	if (S_ISFIFO(st->st_mode))
		return look_into_pipe(p);
	if (S_ISSOCK(st->st_mode))
		return recv(STDIN_FILENO, p, LOOK, MSG_PEEK | MSG_DONTWAIT);
	if (S_ISREG(st->st_mode))
		return pread(STDIN_FILENO, p, LOOK,
		    lseek(STDIN_FILENO, 0, SEEK_CUR));
	return 0;
}

/* True if the writer may still write the rest of the first line. */
static bool
more_may_come(const struct stat *st)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return !S_ISREG(st->st_mode) && poll(&p, 1, 0) == 1 &&
	    (p.revents & (POLLHUP | POLLERR)) == 0 &&
	    wait_ms_or_stop(PAUSE) == 0;
}

/* An etl-dlq replay that fails before it can write anything else writes the
 * mark `failed` alone. */
static int
is_begin_of_replay_or_failed(const char *line, size_t n, struct err *e)
{
	struct mark m = { 0 };
	int rc = mark_parse(&m, line, n, e);

	if (rc == -1)
		return e->code == ERR_PEER ? 0 : -1;
	rc = (m.kind == MARK_BEGIN && m.replay) || m.kind == MARK_FAILED;
	mark_release(&m);
	return rc;
}

/* A read that fails for the moment is tried again. Whatever else is wrong with
 * standard input, the source that reads it reports. */
static bool
is_passing(int number)
{
	return number == EINTR || number == EAGAIN;
}

int
replay_is_on_stdin(struct err *e)
{
	static const char start[] = "{\"@etl\":\"";
	const size_t len = sizeof(start) - 1;
	char text[LOOK], *lf;
	struct stat st;
	ssize_t n;

	if (fstat(STDIN_FILENO, &st) == -1 || S_ISCHR(st.st_mode) ||
	    wait_fd_or_stop(STDIN_FILENO, POLLIN, -1) == -1)
		return 0;
	for (;;) {
		n = look(&st, text);
		if (n == -1 && is_passing(errno) && stop_signal() == 0)
			continue;
		if (n == -1 && (errno == EMFILE || errno == ENFILE))
			return err_errno(e, ERR_IO, "standard input");
		if (n <= 0 ||
		    memcmp(text, start, (size_t)n < len ? (size_t)n : len) != 0)
			return 0;
		if ((lf = memchr(text, '\n', (size_t)n)) != NULL)
			return is_begin_of_replay_or_failed(
			    text, (size_t)(lf - text), e);
		if (n == LOOK || !more_may_come(&st))
			return 0;
	}
}
