#include "pool/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct keeper {
	const struct worker_conf *c;
	void *engine;
	struct child {
		pid_t pid;      /* 0: none */
		bool told;      /* of its death */
	} *child;               /* of each lane */
};

/* A filter has no business with the pipes: they read as empty, and what is
 * written to them is gone. */
static void
close_pipes(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 3) == -1)
		_exit(EX_OSERR);
	(void)close(null);
}

/* Rejects go where no filter can reach them. */
static void
close_others(const struct worker_conf *c)
{
	int last = c->events > c->commands ? c->events : c->commands;

	for (unsigned int i = 0; i < c->shared->lanes; i++)
		if (c->bells[i] > last)
			last = c->bells[i];
	for (int fd = 4; fd < last; fd++) {
		bool ours = fd == c->events || fd == c->commands;

		for (unsigned int i = 0; i < c->shared->lanes; i++)
			ours |= fd == c->bells[i];
		if (!ours)
			(void)close(fd);
	}
	(void)close_range((unsigned int)last + 1, ~0U, 0);
}

/* The parent decides about signals; core dumps of data are nobody's wish. */
static void
settle(const struct worker_conf *c, int parent)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	const struct rlimit none = { 0, 0 };

	die_with(parent);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_IGN);
	(void)setrlimit(RLIMIT_CORE, &none);
	close_pipes();
	close_others(c);
	/* libjq reads ~/.jq by itself. */
	(void)unsetenv("HOME");
	if (c->env)
		return;
	if (clearenv() != 0 || (environ = calloc(1, sizeof(*environ))) == NULL)
		_exit(EX_OSERR);
}

static void
start(struct keeper *k, unsigned int lane)
{
	struct child *child = &k->child[lane];
	pid_t self = getpid(), pid;

	if (child->pid != 0)            /* the parent knows that it is dead */
		(void)waitpid(child->pid, NULL, 0);
	*child = (struct child){ .pid = 0 };
	if ((pid = fork()) == 0) {
		die_with(self);
		free(k->child);
		worker_run(k->c, lane, k->engine);
	}
	if (pid == -1) {
		event_send(k->c, EVENT_FORK, lane, errno);
		return;
	}
	child->pid = pid;
	k->c->shared->lane[lane].pid = pid;
}

/* Tells of each death once; the body stays until the parent has answered, so
 * that it never kills a stranger with the same number. */
static void
tell_deaths(struct keeper *k)
{
	for (unsigned int i = 0; i < k->c->shared->lanes; i++) {
		struct child *child = &k->child[i];
		siginfo_t info = { .si_pid = 0 };

		if (child->pid == 0 || child->told)
			continue;
		if (waitid(P_PID, (id_t)child->pid, &info,
		    WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
			continue;
		child->told = true;
		event_send(k->c, EVENT_DIED, i,
		    info.si_code == CLD_EXITED ? -info.si_status :
		    info.si_status);
	}
}

static void
on_child(int signal)
{
	(void)signal;           /* only ends ppoll() */
}

/* false: the parent closed its end and wants us to finish. */
static bool
command(struct keeper *k)
{
	unsigned char lane;
	ssize_t n = read(k->c->commands, &lane, 1);

	if (n == 1)
		start(k, lane);
	return n == 1 || (n == -1 && errno == EINTR);
}

static void
serve(struct keeper *k)
{
	struct pollfd p = { .fd = k->c->commands, .events = POLLIN };
	struct sigaction a = { .sa_handler = on_child };
	sigset_t child, open;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &open);
	(void)sigaction(SIGCHLD, &a, NULL);
	for (;;) {
		if (ppoll(&p, 1, NULL, &open) > 0 && !command(k))
			break;
		tell_deaths(k);
	}
	for (unsigned int i = 0; i < k->c->shared->lanes; i++)
		if (k->child[i].pid != 0)
			(void)waitpid(k->child[i].pid, NULL, 0);
}

void
keeper_run(const struct worker_conf *c, int parent)
{
	struct keeper k = { .c = c };

	settle(c, parent);
	k.child = calloc(c->shared->lanes, sizeof(*k.child));
	if (k.child == NULL)
		_exit(EX_OSERR);
	if (c->engine->compile(&k.engine, c->filter,
	    &c->shared->compile) == -1) {
		event_send(c, EVENT_REFUSED, 0, 0);
	} else {
		event_send(c, EVENT_COMPILED, 0, 0);
		serve(&k);
		c->engine->free(k.engine);
	}
	free(k.child);
	exit(0);
}
