#include "singer/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_MS = 1000 };       /* from SIGTERM to SIGKILL */

/* The guard process. It is the leader of the process group, so the kernel does
 * not give the number of the group to others while the guard exists. It ignores
 * the signals that it sends to the group. It closes all other descriptors:
 * otherwise the reader of etl-extract's output would not see the end of the
 * output. */
static _Noreturn void
run_guard(int fd)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	char byte;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	if (setpgid(0, 0) == -1 || dup2(fd, STDIN_FILENO) == -1)
		_exit(1);
	(void)close_range(STDIN_FILENO + 1, ~0U, 0);
	while (read(STDIN_FILENO, &byte, 1) == -1 &&
	    (errno == EINTR || errno == EAGAIN))
		continue;
	(void)kill(0, SIGTERM);
	(void)kill(0, SIGCONT);
	(void)poll(NULL, 0, GRACE_MS);
	(void)kill(0, SIGKILL);
	_exit(0);
}

int
guard_start(struct guard *g, struct err *e)
{
	int fd[2];

	*g = (struct guard){ .pipe = -1 };
	if (pipe2(fd, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "pipe");
	if ((g->pid = fork()) == 0)
		run_guard(fd[0]);
	(void)close(fd[0]);
	g->pipe = fd[1];
	if (g->pid == -1) {
		g->pid = 0;
		(void)err_errno(e, ERR_IO, "fork");
		e->transient = true;
		return -1;
	}
	(void)setpgid(g->pid, g->pid);
	return 0;
}

void
guard_end(struct guard *g)
{
	if (g->pid > 0) {
		(void)kill(-g->pid, SIGKILL);
		while (waitpid(g->pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	if (g->pipe != -1)
		(void)close(g->pipe);
	*g = (struct guard){ .pipe = -1 };
}
