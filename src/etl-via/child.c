#include "child.h"

#include "base/clock.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PIPE_SIZE = 1 << 20,    /* bytes; the kernel may give a smaller pipe */
	GRACE_MS = 1000,        /* from the first signal to SIGKILL */
	REJECT_FD = 3           /* closed in CMD: CMD could write lines to the
				 * file of rejects that are no rejects */
};

void
child_init(struct child *c)
{
	*c = (struct child){ .pidfd = -1, .in = -1, .out = -1, .unread = -1 };
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static int
set_spawn_error(const char *name, int error, struct err *e)
{
	bool transient = error == EAGAIN || error == ENOMEM ||
	    error == EMFILE || error == ENFILE;

	return err_set(e, transient ? ERR_IO : ERR_CONFIG, transient,
	    "%s: cannot be run: %s", name, strerror(error));
}

/* Starts CMD. etl-via ignores SIGPIPE and SIGXFSZ, and an ignored signal would
 * stay ignored in CMD, so CMD gets the default actions of both signals. */
static int
spawn_command(struct child *c, char *argv[], int in, int out, struct err *e)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int rc;

	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	if ((rc = posix_spawnattr_init(&attr)) != 0)
		return set_spawn_error(argv[0], rc, e);
	if ((rc = posix_spawn_file_actions_init(&acts)) != 0) {
		(void)posix_spawnattr_destroy(&attr);
		return set_spawn_error(argv[0], rc, e);
	}
	(void)posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	if ((rc = posix_spawn_file_actions_adddup2(&acts, in, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&acts, out, 1)) == 0 &&
	    (rc = posix_spawn_file_actions_addclose(&acts, REJECT_FD)) == 0)
		rc = posix_spawnp(&c->pid, argv[0], &acts, &attr, argv,
		    environ);
	(void)posix_spawn_file_actions_destroy(&acts);
	(void)posix_spawnattr_destroy(&attr);
	if (rc == 0)
		return 0;
	c->pid = 0;
	return set_spawn_error(argv[0], rc, e);
}

static int
make_pipe(int p[2], struct err *e)
{
	if (pipe2(p, O_CLOEXEC) == 0) {
		(void)fcntl(p[1], F_SETPIPE_SZ, PIPE_SIZE);
		return 0;
	}
	p[0] = p[1] = -1;
	return err_set(e, ERR_IO, true, "cannot create a pipe for CMD: %s",
	    strerror(errno));
}

int
child_start(struct child *c, char *argv[], size_t max_line, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = -1;

	child_init(c);
	c->name = argv[0];
	if (make_pipe(in, e) == 0 && make_pipe(out, e) == 0)
		rc = spawn_command(c, argv, in[0], out[1], e);
	close_fd(&in[0]);
	close_fd(&out[1]);
	c->in = in[1];
	c->out = out[0];
	if (rc == -1 || lines_open(&c->lines, c->out, max_line, e) == -1)
		goto failed;
	if ((c->pidfd = pidfd_open(c->pid, 0)) == -1 ||
	    fcntl(c->in, F_SETFL, O_NONBLOCK) == -1) {
		(void)set_spawn_error(c->name, errno, e);
		goto failed;
	}
	return 0;
failed:
	child_stop(c);
	return -1;
}

size_t
child_write_or_note_closed(struct child *c, const char *p, size_t n)
{
	ssize_t done = write(c->in, p, n);

	if (done >= 0)
		return (size_t)done;
	if (errno != EAGAIN && errno != EINTR) {
		c->has_closed_stdin = true;
		close_fd(&c->in);
	}
	return 0;
}

/* Closes CMD's standard input. Before that it opens a read end of the same
 * pipe, so that child_check_end() can query how many bytes CMD has left unread.
 * etl-via does not hold a read end earlier: it would keep a write from failing
 * with EPIPE after CMD has closed its standard input. */
int
child_close_in_keep_unread(struct child *c, struct err *e)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", c->in);
	c->unread = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (c->unread == -1)
		return err_errno(e, ERR_IO, path);
	close_fd(&c->in);
	return 0;
}

void
child_close_out(struct child *c)
{
	close_fd(&c->out);
}

/* Reads CMD's exit status if CMD has exited. WNOWAIT leaves CMD a zombie: as
 * long as it is one, no other process can get its id, and child_stop() can
 * safely signal CMD's process group. */
static void
poll_exit_status(struct child *c)
{
	siginfo_t info = { 0 };

	if (c->has_exited || waitid(P_PID, (id_t)c->pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
		return;
	c->has_exited = true;
	if (info.si_code == CLD_EXITED)
		c->status = info.si_status;
	else
		c->signal = info.si_status;
}

bool
child_has_ended(struct child *c)
{
	poll_exit_status(c);
	return c->has_exited && c->out == -1;
}

int
child_check_end(struct child *c, const bool ok[256], struct err *e)
{
	const char *name = sigabbrev_np(c->signal);
	int left = 0, fd = c->unread != -1 ? c->unread : c->in;

	if (c->has_exited && c->signal != 0)
		return err_set(e, ERR_REFUSED, false, "%s: killed by signal "
		    "%s", c->name, name != NULL ? name : "unknown");
	if (c->has_exited && !ok[c->status & 255])
		return err_set(e, ERR_REFUSED, false, "%s: exited with status "
		    "%d, which is not in --ok", c->name, c->status);
	if (fd != -1 && ioctl(fd, FIONREAD, &left) == -1)
		return err_errno(e, ERR_IO, c->name);
	if (!c->has_closed_stdin && left == 0)
		return 0;
	return err_set(e, ERR_REFUSED, false, "%s: did not read all of its "
	    "input: the command must read every record", c->name);
}

/* Stops CMD and all processes of CMD's process group: sends them the signal
 * that stops etl-via, or else SIGTERM, and waits until CMD exits, for at most
 * GRACE_MS. Then it sends SIGKILL to the processes of the group that remain. */
static void
terminate_then_kill_group(const struct child *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	int64_t end = clock_ms() + GRACE_MS, left = GRACE_MS;
	int sig = stop_signal();

	(void)kill(-c->pid, sig != 0 ? sig : SIGTERM);
	(void)kill(-c->pid, SIGCONT);
	while (c->pidfd != -1 && left > 0 && poll(&p, 1, (int)left) == -1 &&
	    errno == EINTR)
		left = end - clock_ms();
	(void)kill(-c->pid, SIGKILL);
}

void
child_wait_and_close(struct child *c)
{
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->unread);
	close_fd(&c->pidfd);
	lines_close(c->lines);
	while (c->pid > 0 && waitpid(c->pid, NULL, 0) == -1 &&
	    errno == EINTR)
		;
	child_init(c);
}

void
child_stop(struct child *c)
{
	close_fd(&c->in);
	close_fd(&c->out);
	if (c->pid > 0)
		terminate_then_kill_group(c);
	child_wait_and_close(c);
}
