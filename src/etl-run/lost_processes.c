/* A lost process belongs to the pipeline but has left the process group of the
 * script, so a signal to the group does not reach it. If memory is out, a
 * search may miss a process; the next search can find it. */
#include "lost_processes.h"

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
#include <unistd.h>

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

static bool
is_already_found(const struct family *f, const struct process *p)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->found[i].pid == p->pid && f->found[i].since == p->since)
			return true;
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

void
family_find_lost(struct family *f)
{
	DIR *dir = opendir("/proc");
	struct table t = { 0 };

	if (dir == NULL)
		return;
	read_processes(&t, dir);
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i].group != f->leader &&
		    !is_already_found(f, &t.p[i]) &&
		    is_in_pipeline(&t, &t.p[i], f->leader))
			add_relative(f, dirfd(dir), &t.p[i]);
	free(t.p);
	(void)closedir(dir);
}

void
family_signal(const struct family *f, int sig)
{
	for (size_t i = 0; i < f->n; i++)
		(void)pidfd_send_signal(f->found[i].fd, sig, NULL, 0);
}

bool
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

void
family_release(struct family *f)
{
	for (size_t i = 0; i < f->n; i++)
		(void)close(f->found[i].fd);
	free(f->found);
	*f = (struct family){ 0 };
}
