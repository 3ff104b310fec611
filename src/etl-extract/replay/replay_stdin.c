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

/* At most LOOK bytes of the input are examined; the begin mark of a replay is
 * shorter. If its line is not complete yet, the input is examined again after
 * PAUSE ms. */
enum { LOOK = 64 << 10, PAUSE = 5 };

/* Copies the bytes in the pipe to p without removing them from the pipe. */
static ssize_t
peek_at_pipe(char *p)
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
peek_at_stdin(const struct stat *st, char *p)
{
	if (S_ISFIFO(st->st_mode))
		return peek_at_pipe(p);
	if (S_ISSOCK(st->st_mode))
		return recv(STDIN_FILENO, p, LOOK, MSG_PEEK | MSG_DONTWAIT);
	if (S_ISREG(st->st_mode))
		return pread(STDIN_FILENO, p, LOOK,
		    lseek(STDIN_FILENO, 0, SEEK_CUR));
	return 0;
}

/* Returns false if the first line will not become longer: the writer has closed
 * the pipe. Otherwise waits PAUSE ms and returns true. */
static bool
wait_for_more(const struct stat *st)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return !S_ISREG(st->st_mode) && poll(&p, 1, 0) == 1 &&
	    (p.revents & (POLLHUP | POLLERR)) == 0 &&
	    wait_ms(PAUSE) == 0;
}

/* Returns 1 if the line is the begin mark of a replay, or the mark `failed`,
 * which etl-dlq replay writes alone if it fails at once. */
static int
is_replay_begin(const char *line, size_t n, struct err *e)
{
	struct mark m = { 0 };
	int rc = mark_parse(&m, line, n, e);

	if (rc == -1)
		return e->code == ERR_PEER ? 0 : -1;
	rc = (m.kind == MARK_BEGIN && m.replay) || m.kind == MARK_FAILED;
	mark_release(&m);
	return rc;
}

/* True if the read must be tried again. Any other error is left to the source,
 * which reads standard input later and reports it. */
static bool
is_transient_errno(int number)
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
	    wait_fd(STDIN_FILENO, POLLIN, -1) == -1)
		return 0;
	for (;;) {
		n = peek_at_stdin(&st, text);
		if (n == -1 && is_transient_errno(errno) && stop_signal() == 0)
			continue;
		if (n == -1 && (errno == EMFILE || errno == ENFILE))
			return err_errno(e, ERR_IO, "standard input");
		if (n <= 0 ||
		    memcmp(text, start, (size_t)n < len ? (size_t)n : len) != 0)
			return 0;
		if ((lf = memchr(text, '\n', (size_t)n)) != NULL)
			return is_replay_begin(text, (size_t)(lf - text), e);
		if (n == LOOK || !wait_for_more(&st))
			return 0;
	}
}
