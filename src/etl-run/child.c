#include "child.h"

#include "base/clock.h"
#include "base/stop.h"
#include "lost_processes.h"
#include "stderr_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	GRACE = 5000,           /* ms from TERM to KILL */
	LINGER = 5000,          /* ms until a script's heirs are named */
	LOOK = 200,             /* ms; who leaves the group does not tell */
	RENEW = 60000,
	NEVER = -1
};

struct watch {
	const struct child_spec *spec;
	struct child_end *end;
	struct relay relay;
	struct family family;   /* beside the group */
	int sigfd;
	pid_t group, helper;    /* 0: none, or gone */
	bool reaped;            /* the script itself */
	int64_t late_at, kill_at, renew_at, linger_at;  /* NEVER: unset */
};

static const int asked[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP };
enum { ASKED = sizeof(asked) / sizeof(asked[0]) };

/* What our parent has us ignore (nohup) we and the pipeline ignore. */
static bool
is_ignored(int sig)
{
	struct sigaction old;

	return sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

static void
signals_ours(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	(void)sigaddset(set, SIGCONT);
	for (size_t i = 0; i < ASKED; i++)
		if (!is_ignored(asked[i]))
			(void)sigaddset(set, asked[i]);
}

/* Before they are let in: one that waits must end the child, too. */
static void
signals_default(void)
{
	sigset_t none;

	for (size_t i = 0; i < ASKED; i++)
		if (!is_ignored(asked[i]))
			(void)signal(asked[i], SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
exec_tell(const char *path, int error)
{
	const char *why = strerror(error);

	if (error == ENOENT && access(path, F_OK) == 0)
		why = "no such interpreter as its first line names (with CR "
		    "at its end?)";
	(void)fprintf(stderr, "etl-run: %s: %s\n", path, why);
}

static _Noreturn void
child_exec(const struct child_spec *s, int errors)
{
	int in = s->no_stdin ? open("/dev/null", O_RDONLY) : s->input;
	int status;

	(void)setsid();
	if (in > STDERR_FILENO) {
		(void)dup2(in, STDIN_FILENO);
		(void)close(in);
	}
	(void)dup2(errors, STDERR_FILENO);
	if (s->merged)
		(void)dup2(errors, STDOUT_FILENO);
	(void)close(3);
	signals_default();
	(void)execv(s->argv[0], (char *const *)(const void *)s->argv);
	if (errno == ENOEXEC)
		(void)execv(s->argv[-1],
		    (char *const *)(const void *)(s->argv - 1));
	status = errno == EACCES ? 126 : 127;
	exec_tell(s->argv[0], errno);
	_exit(status);
}

static int
child_start(struct watch *w, struct cause *c, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "pipe");
	w->group = fork();
	if (w->group == 0)
		child_exec(w->spec, p[1]);
	(void)close(p[1]);
	if (w->group == -1) {
		w->group = 0;
		(void)close(p[0]);
		return err_errno(e, ERR_IO, "fork");
	}
	w->family.leader = w->group;
	relay_open(&w->relay, p[0], &(struct relay_to){ .name = w->spec->name,
	    .cause = c, .tail = w->spec->tail });
	return 0;
}

/* The script may not have made its group yet. */
static void
group_signal(const struct watch *w, int sig)
{
	if (w->group > 0 && kill(-w->group, sig) == -1 && errno == ESRCH &&
	    !w->reaped)
		(void)kill(w->group, sig);
}

static void
all_signal(const struct watch *w, int sig)
{
	group_signal(w, sig);
	family_signal(&w->family, sig);
}

/* They are looked for first: whose parent has gone may not be found again. */
static void
all_stop(struct watch *w, int sig)
{
	family_find(&w->family);
	all_signal(w, sig);
	all_signal(w, SIGCONT);         /* a stopped one cannot end */
	if (w->kill_at == NEVER)
		w->kill_at = clock_ms() + GRACE;
	else
		all_signal(w, SIGKILL);
}

/* We are the reaper of all that the script leaves: as long as one of its
 * group lives we have a child in it, and its number is not given away. */
static void
reap(struct watch *w)
{
	siginfo_t info;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == w->helper)
			w->helper = 0;
		if (pid != w->group)
			continue;
		w->reaped = true;
		w->end->status = status;
		w->linger_at = clock_ms() + LINGER;
	}
	if (w->reaped && waitid(P_PGID, (id_t)w->group, &info,
	    WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD)
		w->group = 0;
}

static void
signal_take(struct watch *w)
{
	struct signalfd_siginfo info;

	while (read(w->sigfd, &info, sizeof(info)) == sizeof(info)) {
		int sig = (int)info.ssi_signo;

		if (sig == SIGCHLD) {
			reap(w);
		} else if (sig == SIGCONT) {
			group_signal(w, SIGCONT);
		} else if (sig == SIGTSTP) {
			group_signal(w, SIGSTOP);
			(void)raise(SIGSTOP);
		} else {
			if (w->end->signal == 0)
				w->end->signal = sig;
			all_stop(w, sig);
		}
	}
}

/* In a process of its own: a database that hangs must not hold us. */
static void
renew(struct watch *w)
{
	if (w->helper > 0 || w->spec->renew == NULL)
		return;
	w->helper = fork();
	if (w->helper == 0) {
		signals_default();
		w->spec->renew(w->spec->arg);
		_exit(0);
	}
}

static void
times_look(struct watch *w)
{
	int64_t now = clock_ms();

	if (w->late_at != NEVER && now >= w->late_at) {
		w->late_at = NEVER;
		w->end->late = w->end->signal == 0;
		all_stop(w, SIGTERM);
	}
	if (w->kill_at != NEVER && now >= w->kill_at) {
		w->kill_at = now + GRACE;
		family_find(&w->family);
		all_signal(w, SIGKILL);
	}
	if (now >= w->renew_at) {
		w->renew_at = now + RENEW;
		renew(w);
	}
	if (w->reaped)
		reap(w);
	if (w->linger_at != NEVER && now >= w->linger_at) {
		w->linger_at = NEVER;
		(void)fprintf(stderr, "etl-run: warning: %s: the script has "
		    "ended; waiting for what it left running\n",
		    w->spec->name);
	}
}

static int
times_next(const struct watch *w)
{
	const int64_t at[] = { w->late_at, w->kill_at, w->linger_at };
	int64_t next = w->renew_at, left;

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] != NEVER && at[i] < next)
			next = at[i];
	left = next - clock_ms();
	if (w->reaped && left > LOOK)
		left = LOOK;
	return left < 0 ? 0 : (int)left;
}

/* Without any child, and we are the reaper, there is nobody to look for. */
static bool
lives(struct watch *w)
{
	siginfo_t info;

	if (w->group > 0)
		return true;
	if (w->family.n == 0 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG |
	    WNOWAIT) == -1 && errno == ECHILD)
		return false;
	family_find(&w->family);
	return family_lives(&w->family);
}

static void
watch_loop(struct watch *w)
{
	struct pollfd p[1 + RELAY_FDS];

	while (lives(w)) {
		p[0] = (struct pollfd){ .fd = w->sigfd, .events = POLLIN };
		relay_want(&w->relay, p + 1);
		if (poll(p, 1 + RELAY_FDS, times_next(w)) > 0) {
			if (p[0].revents != 0)
				signal_take(w);
			relay_move(&w->relay, p + 1);
		}
		times_look(w);
	}
	relay_drain(&w->relay);
	if (w->helper > 0) {
		(void)kill(w->helper, SIGKILL);
		(void)waitpid(w->helper, NULL, 0);
	}
}

int
child_run(const struct child_spec *s, struct cause *c, struct child_end *end,
    struct err *e)
{
	struct watch w = { .spec = s, .end = end, .sigfd = -1,
	    .relay = { .fd = -1 }, .late_at = NEVER, .kill_at = NEVER,
	    .linger_at = NEVER };
	sigset_t set, old;
	int rc = -1;

	*end = (struct child_end){ 0 };
	signals_ours(&set);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	if ((end->signal = stop_signal()) != 0) {
		rc = 0;
		goto out;
	}
	w.sigfd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (w.sigfd == -1) {
		(void)err_errno(e, ERR_IO, "signalfd");
		goto out;
	}
	w.renew_at = clock_ms() + RENEW;
	if (s->timeout > 0)
		w.late_at = clock_ms() + (int64_t)s->timeout;
	if (child_start(&w, c, e) == -1)
		goto out;
	watch_loop(&w);
	rc = 0;
out:
	family_release(&w.family);
	relay_close(&w.relay);
	if (w.sigfd >= 0)
		(void)close(w.sigfd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}
