#include "child.h"

#include "base/clock.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PIPE_SIZE = 1 << 20,    /* bytes; the kernel may give a smaller pipe */
	GRACE_MS = 1000,        /* time between the first signal and SIGKILL */
	REJECT_FD = 3           /* closed in the command, which could write
				 * lines to the file of rejects that are no
				 * rejects */
};

void
child_init(struct child *c)
{
	*c = (struct child){ .pidfd = -1, .in = -1, .out = -1, .unread = -1 };
}

void
child_close_fd(int *fd)
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

/* Sets up the descriptors 0, 1 and conf->keeps_fd of the command. All
 * descriptors of this process have the flag FD_CLOEXEC. Duplicating keeps_fd to
 * its own number removes the flag, so the command keeps it. */
static int
add_descriptors(posix_spawn_file_actions_t *acts, const struct child_conf *conf,
    int in, int out)
{
	int rc = conf->has_input ?
	    posix_spawn_file_actions_adddup2(acts, in, 0) :
	    posix_spawn_file_actions_addopen(
		acts, 0, "/dev/null", O_RDONLY, 0);

	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(acts, out, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclose(acts, REJECT_FD);
	if (rc == 0 && conf->keeps_fd != 0)
		rc = posix_spawn_file_actions_adddup2(
		    acts, conf->keeps_fd, conf->keeps_fd);
	return rc;
}

/* Starts the command. This program ignores SIGPIPE and SIGXFSZ. The command
 * would inherit that, so it gets the default actions of both signals. */
static int
spawn_command(struct child *c, const struct child_conf *conf, int in, int out,
    struct err *e)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int rc;

	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	if ((rc = posix_spawnattr_init(&attr)) != 0)
		return set_spawn_error(c->name, rc, e);
	if ((rc = posix_spawn_file_actions_init(&acts)) != 0) {
		(void)posix_spawnattr_destroy(&attr);
		return set_spawn_error(c->name, rc, e);
	}
	(void)posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&attr, conf->group);
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	if ((rc = add_descriptors(&acts, conf, in, out)) == 0)
		rc = posix_spawnp(&c->pid, c->name, &acts, &attr, conf->argv,
		    environ);
	(void)posix_spawn_file_actions_destroy(&acts);
	(void)posix_spawnattr_destroy(&attr);
	c->group = conf->group != 0 ? conf->group : c->pid;
	if (rc == 0)
		return 0;
	c->pid = 0;
	return set_spawn_error(c->name, rc, e);
}

static int
make_pipe(int p[2], const char *name, struct err *e)
{
	if (pipe2(p, O_CLOEXEC) == 0) {
		(void)fcntl(p[1], F_SETPIPE_SZ, PIPE_SIZE);
		return 0;
	}
	p[0] = p[1] = -1;
	return err_set(e, ERR_IO, true, "%s: cannot create a pipe: %s", name,
	    strerror(errno));
}

/* Sets SIGCHLD to its default action: if the parent process ignores SIGCHLD,
 * this program inherits that, and the kernel would discard the command's exit
 * status. */
int
child_start(struct child *c, const struct child_conf *conf, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = -1;

	child_init(c);
	c->name = conf->argv[0];
	(void)signal(SIGCHLD, SIG_DFL);
	if ((!conf->has_input || make_pipe(in, c->name, e) == 0) &&
	    make_pipe(out, c->name, e) == 0)
		rc = spawn_command(c, conf, in[0], out[1], e);
	child_close_fd(&in[0]);
	child_close_fd(&out[1]);
	c->in = in[1];
	c->out = out[0];
	if (rc == -1 || lines_open(&c->lines, c->out, conf->max_line, e) == -1)
		goto failed;
	if ((c->pidfd = pidfd_open(c->pid, 0)) == -1 || (c->in != -1 &&
	    fcntl(c->in, F_SETFL, O_NONBLOCK) == -1)) {
		(void)set_spawn_error(c->name, errno, e);
		goto failed;
	}
	return 0;
failed:
	child_kill(c);
	return -1;
}

/* Reads the exit status of a command that has exited. WNOWAIT leaves the
 * command a zombie. So its process id stays in use, and child_kill() can safely
 * signal its process group. */
static void
note_exit(struct child *c)
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
	note_exit(c);
	return c->has_exited && c->out == -1;
}

/* Stops all processes of the command's process group. First sends them the
 * signal that stops this program (SIGTERM if there is none), and waits at most
 * GRACE_MS for the command to exit. Then sends SIGKILL to the processes that
 * are left. */
static void
kill_group(const struct child *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	int64_t end = clock_ms() + GRACE_MS, left = GRACE_MS;
	int sig = stop_signal();

	(void)kill(-c->group, sig != 0 ? sig : SIGTERM);
	(void)kill(-c->group, SIGCONT);
	while (c->pidfd != -1 && left > 0 && poll(&p, 1, (int)left) == -1 &&
	    errno == EINTR)
		left = end - clock_ms();
	(void)kill(-c->group, SIGKILL);
}

void
child_close(struct child *c)
{
	child_close_fd(&c->in);
	child_close_fd(&c->out);
	child_close_fd(&c->unread);
	child_close_fd(&c->pidfd);
	lines_close(c->lines);
	while (c->pid > 0 && waitpid(c->pid, NULL, 0) == -1 &&
	    errno == EINTR)
		;
	child_init(c);
}

void
child_kill(struct child *c)
{
	child_close_fd(&c->in);
	child_close_fd(&c->out);
	if (c->pid > 0)
		kill_group(c);
	child_close(c);
}
