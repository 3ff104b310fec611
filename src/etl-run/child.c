#include "child.h"

#include "base/clock.h"
#include "base/stop.h"
#include "stderr.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A lost process belongs to the pipeline but has left the process group of the
 * script, so a signal to the group does not reach it. If memory is out, a
 * search may miss a process; the next search can find it. */

enum { STAT = 512 };

struct process {
	pid_t pid, parent, group, session;
	unsigned long long since;       /* start time; it differs if the number
					 * was used again */
};

struct relative {
	pid_t pid;
	unsigned long long since;
	int fd;
};

struct table {
	struct process *p;
	size_t n, room;
};

/* Reads /proc/PID/stat (proc(5)): "PID (NAME) STATE PPID PGRP SESSION ...
 * STARTTIME ..."; NAME may contain any character. Returns false if the process
 * has exited, also if it is a zombie. */
static bool
read_process(int proc, const char *pid, struct process *p)
{
	char path[64], text[STAT + 1], state;
	const char *at;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%.32s/stat", pid);
	if ((fd = openat(proc, path, O_RDONLY | O_CLOEXEC)) == -1)
		return false;
	n = read(fd, text, STAT);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	*p = (struct process){ .pid = (pid_t)strtol(pid, NULL, 10) };
	return (at = strrchr(text, ')')) != NULL && sscanf(at,
	    ") %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
	    "%*d %*d %*d %llu", &state, &p->parent, &p->group, &p->session,
	    &p->since) == 5 && state != 'Z' && state != 'X';
}

/* True if /proc numbers processes as this process does: it may belong to the
 * namespace outside a container. */
static bool
proc_is_ours(int proc)
{
	char self[16];
	ssize_t n = readlinkat(proc, "self", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	return strtol(self, NULL, 10) == getpid();
}

enum process_state
process_find(pid_t pid, unsigned long long *since)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ours = proc != -1 && proc_is_ours(proc);
	enum process_state state = PROCESS_HIDDEN;
	struct process p;
	char path[32];

	(void)snprintf(path, sizeof(path), "%ld", (long)pid);
	if (ours && read_process(proc, path, &p)) {
		*since = p.since;
		state = PROCESS_RUNNING;
	} else {
		/* A file that can be read is that of a zombie. */
		(void)snprintf(path, sizeof(path), "%ld/stat", (long)pid);
		if ((ours && faccessat(proc, path, R_OK, 0) == 0) ||
		    (kill(pid, 0) == -1 && errno == ESRCH))
			state = PROCESS_ENDED;
	}
	if (proc != -1)
		(void)close(proc);
	return state;
}

static void
add_process(struct table *t, const struct process *p)
{
	size_t room = t->room > 0 ? 2 * t->room : 256;
	struct process *more;

	if (t->n == t->room) {
		more = reallocarray(t->p, room, sizeof(*more));
		if (more == NULL)
			return;
		t->p = more;
		t->room = room;
	}
	t->p[t->n++] = *p;
}

static int
compare_pids(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return (p->pid > q->pid) - (p->pid < q->pid);
}

/* Reads all processes of /proc, sorted by their ids. */
static void
read_processes(struct table *t, DIR *dir)
{
	struct process p;
	struct dirent *d;

	while ((d = readdir(dir)) != NULL)
		if (isdigit((unsigned char)d->d_name[0]) &&
		    read_process(dirfd(dir), d->d_name, &p))
			add_process(t, &p);
	if (t->n > 0)
		qsort(t->p, t->n, sizeof(*t->p), compare_pids);
}

/* True if p belongs to the pipeline. p must descend from etl-run; this is so
 * even after the parent of p has exited, because etl-run becomes the parent of
 * orphans. In addition p must descend from the script (`leader`) or be in its
 * session. */
static bool
is_in_pipeline(const struct table *t, const struct process *p, pid_t leader)
{
	const struct process *up = p;
	bool through = p->session == leader;
	struct process key = { 0 };

	for (size_t i = 0; up != NULL && i < t->n; i++) {
		through |= up->pid == leader;
		if (up->parent == getpid())
			return through;
		key.pid = up->parent;
		up = bsearch(&key, t->p, t->n, sizeof(key), compare_pids);
	}
	return false;
}

/* Adds p to the processes found, with a pidfd through which it can be
 * signalled. After it has opened the pidfd it reads the process's start time
 * again: if p has exited in the meantime, the pidfd may be that of another
 * process with the same number. */
static void
add_relative(struct family *f, int proc, const struct process *p)
{
	struct relative *more = reallocarray(f->found, f->n + 1,
	    sizeof(*more));
	struct process now;
	char pid[16];
	int fd;

	if (more == NULL)
		return;
	f->found = more;
	if ((fd = pidfd_open(p->pid, 0)) == -1)
		return;
	(void)snprintf(pid, sizeof(pid), "%d", (int)p->pid);
	if (read_process(proc, pid, &now) && now.since == p->since)
		f->found[f->n++] = (struct relative){ p->pid, p->since, fd };
	else
		(void)close(fd);
}

static void
family_find_lost(struct family *f)
{
	DIR *dir = opendir("/proc");
	struct table t = { 0 };

	if (dir == NULL)
		return;
	read_processes(&t, dir);
	for (size_t i = 0; i < t.n; i++) {
		const struct process *p = &t.p[i];
		bool found = false;

		for (size_t k = 0; k < f->n; k++)
			found |= f->found[k].pid == p->pid &&
			    f->found[k].since == p->since;
		if (p->group != f->leader && !found &&
		    is_in_pipeline(&t, p, f->leader))
			add_relative(f, dirfd(dir), p);
	}
	free(t.p);
	(void)closedir(dir);
}

/* Removes the processes that have ended. Returns true if any is left. */
static bool
family_forget_ended(struct family *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct pollfd p = { f->found[i].fd, POLLIN, 0 };

		if (poll(&p, 1, 0) == 0)
			f->found[n++] = f->found[i];
		else
			(void)close(p.fd);
	}
	f->n = n;
	return n > 0;
}

enum {
	GRACE = 5000,           /* ms from TERM to KILL */
	LINGER = 5000,          /* ms after the script's exit until a warning
				 * that some of its processes are still
				 * running */
	LOOK = 200,             /* ms between searches for processes that have
				 * left the process group */
	RENEW = 60000,          /* ms between calls of renew */
	NEVER = -1
};

struct watch {
	const struct child_spec *spec;
	struct child_end *end;
	struct relay relay;
	struct family family;   /* processes that have left the group */
	int sigfd;
	pid_t group;            /* the process group; 0: all its processes have
				 * exited */
	pid_t helper;           /* the process that calls renew, or 0 */
	bool reaped;            /* the script itself has exited */
	int64_t late_at, kill_at, renew_at, linger_at;  /* times by clock_ms()
	                                                 * or NEVER */
};

static const int handled[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP };
enum { HANDLED = sizeof(handled) / sizeof(handled[0]) };

/* True if etl-run was started with this signal ignored, as under nohup(1). The
 * signal then stays ignored in etl-run and in the pipeline. */
static bool
is_ignored(int sig)
{
	struct sigaction old;

	return sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

/* Sets *set to the signals that etl-run handles itself. A signal that was
 * ignored at the start stays ignored. */
static void
handled_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	(void)sigaddset(set, SIGCONT);
	for (size_t i = 0; i < HANDLED; i++)
		if (!is_ignored(handled[i]))
			(void)sigaddset(set, handled[i]);
}

/* Called in a process that etl-run has just forked: makes signals act as if
 * etl-run had not changed them. Sets the default actions before it unblocks
 * the signals, because a signal that is already pending must end this
 * process, too. */
static void
restore_signals(void)
{
	sigset_t none;

	for (size_t i = 0; i < HANDLED; i++)
		if (!is_ignored(handled[i]))
			(void)signal(handled[i], SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
print_exec_failure(const char *path, int error)
{
	const char *why = strerror(error);

	if (error == ENOENT && access(path, F_OK) == 0)
		why = "the interpreter in its first line does not exist "
		    "(perhaps the line ends in CR LF)";
	err_printf("etl-run: %s: %s\n", path, why);
}

static _Noreturn void
execute_script(const struct child_spec *s, int stderr_fd)
{
	int in = s->no_stdin ? open("/dev/null", O_RDONLY) : s->input;
	int status;

	(void)setsid();
	if (in > STDERR_FILENO) {
		(void)dup2(in, STDIN_FILENO);
		(void)close(in);
	}
	(void)dup2(stderr_fd, STDERR_FILENO);
	if (s->merged)
		(void)dup2(stderr_fd, STDOUT_FILENO);
	(void)close(3);         /* a stage must not write its rejects there:
				 * the loader stores them in the database */
	restore_signals();
	(void)execv(s->argv[0], (char *const *)(const void *)s->argv);
	if (errno == ENOEXEC)   /* no #! line: argv[-1] is /bin/sh */
		(void)execv(s->argv[-1],
		    (char *const *)(const void *)(s->argv - 1));
	status = errno == EACCES ? 126 : 127;
	print_exec_failure(s->argv[0], errno);
	_exit(status);
}

/* Starts the script, with a pipe as its standard error. */
static int
fork_child(struct watch *w, struct cause *c, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "pipe");
	w->group = fork();
	if (w->group == 0)
		execute_script(w->spec, p[1]);
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

/* Sends the signal to the process group of the script. After fork() the script
 * makes a group of its own with setsid(). If it has not done so yet, the signal
 * is sent to the script alone. */
static void
signal_group(const struct watch *w, int sig)
{
	if (w->group > 0 && kill(-w->group, sig) == -1 && errno == ESRCH &&
	    !w->reaped)
		(void)kill(w->group, sig);
}

/* Sends the signal to the script's process group and to the processes that have
 * left it. */
static void
signal_all(const struct watch *w, int sig)
{
	signal_group(w, sig);
	for (size_t i = 0; i < w->family.n; i++)
		(void)pidfd_send_signal(w->family.found[i].fd, sig, NULL, 0);
}

/* Asks all processes of the pipeline to end: sends them the signal, and lets
 * run_timers() send SIGKILL after GRACE. At the second call sends SIGKILL at
 * once. Searches for processes that have left the script's process group before
 * it sends anything: once their parents have exited, they may not be found any
 * more. */
static void
stop_all(struct watch *w, int sig)
{
	family_find_lost(&w->family);
	signal_all(w, sig);
	/* A stopped process cannot end. */
	signal_all(w, SIGCONT);
	if (w->kill_at == NEVER)
		w->kill_at = clock_ms() + GRACE;
	else
		signal_all(w, SIGKILL);
}

/* Collects the exit status of processes that have exited. w->group becomes 0
 * when no process of the script's group is left. etl-run is the subreaper, so
 * orphans of the script become children of etl-run: until etl-run has collected
 * the last process of the group, the kernel cannot give the group's number to
 * other processes. */
static void
reap_exited(struct watch *w)
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

/* Handles the signals that have come: collects processes that have exited, and
 * passes the others to the pipeline. */
static void
handle_signals(struct watch *w)
{
	struct signalfd_siginfo info;

	while (read(w->sigfd, &info, sizeof(info)) == sizeof(info)) {
		int sig = (int)info.ssi_signo;

		if (sig == SIGCHLD) {
			reap_exited(w);
		} else if (sig == SIGCONT) {
			signal_group(w, SIGCONT);
		} else if (sig == SIGTSTP) {
			signal_group(w, SIGSTOP);
			(void)raise(SIGSTOP);
		} else {
			if (w->end->signal == 0)
				w->end->signal = sig;
			stop_all(w, sig);
		}
	}
}

/* Starts a process that calls renew(), which updates the time in the run's row
 * to show that the run is still active. A database that does not answer cannot
 * block etl-run, because only that process waits for it. */
static void
start_renewal(struct watch *w)
{
	if (w->helper > 0 || w->spec->renew == NULL)
		return;
	w->helper = fork();
	if (w->helper == 0) {
		restore_signals();
		w->spec->renew(w->spec->arg);
		_exit(0);
	}
}

/* Does what is due: ends a pipeline at its timeout, kills one that does not
 * end, renews the row of the run, and warns of processes that are left. */
static void
run_timers(struct watch *w)
{
	int64_t now = clock_ms();

	if (w->late_at != NEVER && now >= w->late_at) {
		w->late_at = NEVER;
		w->end->late = w->end->signal == 0;
		stop_all(w, SIGTERM);
	}
	if (w->kill_at != NEVER && now >= w->kill_at) {
		w->kill_at = now + GRACE;
		family_find_lost(&w->family);
		signal_all(w, SIGKILL);
	}
	if (now >= w->renew_at) {
		w->renew_at = now + RENEW;
		start_renewal(w);
	}
	if (w->reaped)
		reap_exited(w);
	if (w->linger_at != NEVER && now >= w->linger_at) {
		w->linger_at = NEVER;
		err_warnf("etl-run", "%s: the script has exited, but "
		    "processes that it started are still running: waiting "
		    "for them", w->spec->name);
	}
}

/* Returns how many ms poll(2) may wait for the next timer. */
static int
next_timer_ms(const struct watch *w)
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

/* True if any process of the pipeline is running, even one that has left the
 * process group of the script. etl-run is the subreaper, so orphans of the
 * pipeline become its children. Thus if etl-run has no child at all, no process
 * is running. */
static bool
is_any_running(struct watch *w)
{
	siginfo_t info;

	if (w->group > 0)
		return true;
	if (w->family.n == 0 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG |
	    WNOWAIT) == -1 && errno == ECHILD)
		return false;
	family_find_lost(&w->family);
	return family_forget_ended(&w->family);
}

/* Copies standard error and handles signals until no process of the pipeline is
 * left. */
static void
watch_processes(struct watch *w)
{
	struct pollfd p[1 + RELAY_FDS];

	while (is_any_running(w)) {
		p[0] = (struct pollfd){ .fd = w->sigfd, .events = POLLIN };
		relay_fill_pollfds(&w->relay, p + 1);
		if (poll(p, 1 + RELAY_FDS, next_timer_ms(w)) > 0) {
			if (p[0].revents != 0)
				handle_signals(w);
			relay_copy_ready(&w->relay, p + 1);
		}
		run_timers(w);
	}
	relay_finish(&w->relay);
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
	handled_signals(&set);
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
	if (fork_child(&w, c, e) == -1)
		goto out;
	watch_processes(&w);
	rc = 0;
out:
	for (size_t i = 0; i < w.family.n; i++)
		(void)close(w.family.found[i].fd);
	free(w.family.found);
	relay_close(&w.relay);
	if (w.sigfd >= 0)
		(void)close(w.sigfd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}
