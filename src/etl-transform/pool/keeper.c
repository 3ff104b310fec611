#include "pool/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct keeper {
	const struct worker_conf *c;
	void *engine;
	struct sandbox *sandbox;
	struct child {
		pid_t pid;              /* 0: no worker */
		bool death_reported;
	} *child;                       /* one for each lane */
};

/* Asks the kernel to kill this process when its parent exits. If the parent has
 * exited before this request, the kernel sends no signal. getppid() then
 * returns another process id than `parent`, and this process exits itself. */
static void
die_with_parent(int parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_OSERR);
}

/* Connects the file descriptors 0, 1 and 3 to /dev/null. The parent process
 * reads its input from 0 and writes records to 1 and rejected records to 3. A
 * filter must not be able to read from or write to these files. */
static void
redirect_to_null(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 3) == -1)
		_exit(EX_OSERR);
	(void)close(null);
}

/* Closes all file descriptors from 4 on that this process has inherited, except
 * the pipes to and from the parent. One of the closed descriptors may be the
 * file of --rejects, which a filter must not be able to write to. */
static void
close_other_fds(const struct worker_conf *c)
{
	int last = c->events > c->commands ? c->events : c->commands;

	if (c->ready > last)
		last = c->ready;
	for (unsigned int i = 0; i < c->shared->lanes; i++)
		if (c->wake_pipes[i] > last)
			last = c->wake_pipes[i];
	for (int fd = 4; fd < last; fd++) {
		bool ours = fd == c->events || fd == c->commands ||
		    fd == c->ready;

		for (unsigned int i = 0; i < c->shared->lanes; i++)
			ours |= fd == c->wake_pipes[i];
		if (!ours)
			(void)close(fd);
	}
	(void)close_range((unsigned int)last + 1, ~0U, 0);
}

/* Isolates this process, the keeper, and the workers that it will fork, because
 * they run a filter that is not trusted. They get no standard input and output,
 * no inherited files and, without --allow env, no environment. They ignore
 * SIGTERM, SIGINT, SIGHUP and SIGQUIT, because the parent decides when they
 * exit. */
static void
isolate_keeper(const struct worker_conf *c, int parent)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	die_with_parent(parent);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_IGN);
	redirect_to_null();
	close_other_fds(c);
	if (!c->env && sandbox_wipe_env() == -1)
		_exit(EX_OSERR);
	/* libjq would read definitions from $HOME/.jq. */
	(void)unsetenv("HOME");
}

static void
send_event(const struct keeper *k, enum event_kind kind, unsigned int lane,
    int status)
{
	struct event v = { .kind = kind, .lane = lane, .status = status };

	while (write(k->c->events, &v, sizeof(v)) == -1)
		if (errno != EINTR)
			_exit(EX_OSERR);        /* the parent has exited */
}

/* Forks a worker for the lane, after it has reaped the one before. */
static void
fork_worker(struct keeper *k, unsigned int lane)
{
	struct child *child = &k->child[lane];
	pid_t self = getpid(), pid;

	/* child is the earlier worker for the same slots (lane). The parent
	 * requests another worker only after this one has exited, so waitpid()
	 * does not block. */
	if (child->pid != 0)
		(void)waitpid(child->pid, NULL, 0);
	*child = (struct child){ .pid = 0 };
	tzset();                /* the worker itself cannot read the file */
	if ((pid = fork()) == 0) {
		die_with_parent(self);
		free(k->child);
		worker_run(k->c, lane, k->engine, k->sandbox);
	}
	if (pid == -1) {
		send_event(k, EVENT_FORK_FAILED, lane, errno);
		return;
	}
	child->pid = pid;
	send_event(k, EVENT_WORKER_STARTED, lane, pid);
}

/* Reports the exit of each worker to the parent once. WNOWAIT keeps the exited
 * process as a zombie until the parent requests another worker. Its process id
 * is not reused before that, so the parent cannot kill an unrelated process. */
static void
report_deaths(struct keeper *k)
{
	for (unsigned int i = 0; i < k->c->shared->lanes; i++) {
		struct child *child = &k->child[i];
		siginfo_t info = { .si_pid = 0 };

		if (child->pid == 0 || child->death_reported)
			continue;
		if (waitid(P_PID, (id_t)child->pid, &info,
		    WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
			continue;
		child->death_reported = true;
		send_event(k, EVENT_WORKER_DIED, i,
		    info.si_code == CLD_EXITED ? -info.si_status :
		    info.si_status);
	}
}

static void
on_sigchld(int signal)
{
	(void)signal;           /* the signal only has to interrupt ppoll() */
}

/* Reads one command from the parent, the number of a lane (a worker and its
 * slots), and forks a worker for this lane. Returns false if the parent has
 * closed the pipe of the commands: the keeper process then has to exit. */
static bool
serve_command(struct keeper *k)
{
	unsigned char lane;
	ssize_t n = read(k->c->commands, &lane, 1);

	if (n == 1)
		fork_worker(k, lane);
	return n == 1 || (n == -1 && errno == EINTR);
}

/* Runs the commands of the parent, and reports to it when a worker has
 * exited. */
static void
serve_commands(struct keeper *k)
{
	struct pollfd p = { .fd = k->c->commands, .events = POLLIN };
	struct sigaction a = { .sa_handler = on_sigchld };
	sigset_t child, open;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &open);
	(void)sigaction(SIGCHLD, &a, NULL);
	for (;;) {
		if (ppoll(&p, 1, NULL, &open) > 0 && !serve_command(k))
			break;
		report_deaths(k);
	}
	for (unsigned int i = 0; i < k->c->shared->lanes; i++)
		if (k->child[i].pid != 0)
			(void)waitpid(k->child[i].pid, NULL, 0);
}

void
keeper_run(const struct worker_conf *c, int parent)
{
	struct keeper k = { .c = c };
	struct err e = { .code = ERR_NONE };

	isolate_keeper(c, parent);
	shared_drop_writable(c->shared);
	k.child = calloc(c->shared->lanes, sizeof(*k.child));
	if (k.child == NULL)
		_exit(EX_OSERR);
	if (c->engine->compile(&k.engine, c->filter, &e) == -1) {
		send_event(&k, EVENT_COMPILE_FAILED, 0, 0);
		if (write(c->events, &e, sizeof(e)) != sizeof(e))
			_exit(EX_OSERR);
	} else {
		if ((k.sandbox = sandbox_new()) == NULL)
			_exit(EX_OSERR);
		send_event(&k, EVENT_COMPILED, 0, 0);
		serve_commands(&k);
		c->engine->free(k.engine);
		sandbox_free(k.sandbox);
	}
	free(k.child);
	exit(0);
}
