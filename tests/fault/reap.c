/* reap [-k USEC] SECONDS COMMAND [ARG...]: runs it in a session of its own and
 * ends when it and all that it has started have ended, with its status (a
 * signal is 128 + its number).  With -k all of them are killed after so many
 * microseconds, the process group first.  Whoever is left after SECONDS is
 * killed: then 124, and a line says so.  SIGTERM is passed on to COMMAND, and
 * whoever is left 10 seconds later is killed. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct reap {
	pid_t main;
	int status;
	bool stopped;
	sigset_t signals;       /* SIGCHLD, SIGTERM */
};

static long long
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Takes those that have ended; false when none is left. */
static bool
take(struct reap *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == r->main)
			r->status = WIFEXITED(status) ? WEXITSTATUS(status) :
			    128 + WTERMSIG(status);
	return pid == 0;
}

/* Until none is left, the time has come or SIGTERM has; whether some are. */
static bool
wait_until(struct reap *r, long long end)
{
	struct timespec t;
	long long rest;
	bool some;

	while ((some = take(r)) && (rest = end - now()) > 0) {
		t.tv_sec = rest / 1000000;
		t.tv_nsec = rest % 1000000 * 1000;
		if (sigtimedwait(&r->signals, NULL, &t) == SIGTERM) {
			r->stopped = true;
			break;
		}
	}
	return some;
}

/* Those whose parents have died are ours by then, and the next time's. */
static void
kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "r");
	long pid;

	if (f == NULL) {
		perror("reap: children");
		exit(126);
	}
	while (fscanf(f, "%ld", &pid) == 1)
		kill((pid_t)pid, SIGKILL);
	fclose(f);
}

static void
kill_all(struct reap *r)
{
	kill(-r->main, SIGKILL);
	do
		kill_children();
	while (wait_until(r, now() + 1000));
}

static pid_t
start(char *argv[], const sigset_t *old)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigprocmask(SIG_SETMASK, old, NULL);
		setsid();
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	return pid;
}

int
main(int argc, char *argv[])
{
	struct reap r = { .status = 126 };
	long long after = -1, begun = now();
	sigset_t old;
	long seconds;

	if (argc > 3 && strcmp(argv[1], "-k") == 0) {
		after = strtoll(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	if (argc < 3 || (seconds = strtol(argv[1], NULL, 10)) < 1) {
		fputs("usage: reap [-k USEC] SECONDS COMMAND [ARG...]\n",
		    stderr);
		return 64;
	}
	sigemptyset(&r.signals);
	sigaddset(&r.signals, SIGCHLD);
	sigaddset(&r.signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &r.signals, &old);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 ||
	    (r.main = start(argv + 2, &old)) == -1) {
		perror("reap");
		return 126;
	}
	if (after >= 0 && wait_until(&r, begun + after))
		kill_all(&r);
	if (wait_until(&r, begun + seconds * 1000000)) {
		if (r.stopped) {
			kill(r.main, SIGTERM);
			(void)wait_until(&r, now() + 10000000);
		} else {
			fprintf(stderr, "reap: still there after %ld s\n",
			    seconds);
		}
		kill_all(&r);
		return r.stopped ? 128 + SIGTERM : 124;
	}
	return r.status;
}
