#include "common/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child holds up to this many jobs and does them in their order. So it goes
 * on with the next job while this process still writes the output of the first
 * one. */
enum { JOBS_OF_CHILD = 2 };

struct child;

struct ahead_job {
	struct ahead_output *output;    /* memory shared with the child, or
					 * NULL */
	struct child *child;
	bool is_taken;                  /* ahead_start() has returned it */
	bool is_working;
};

struct child {
	pid_t pid;                      /* 0: there is none */
	const void *self;               /* the object whose tasks it does */
	int task_fd;                    /* messages to the child */
	int done_fd;                    /* the child writes a byte after each
					 * task */
	struct ahead_job job[JOBS_OF_CHILD];
};

/* A message to the child, sent through task_fd. */
struct order {
	struct ahead_task task;
	struct ahead_output *output;
};

struct ahead {
	size_t n;
	struct child child[];
};

int
ahead_check_jobs(uint64_t jobs, struct err *e)
{
	return jobs <= AHEAD_JOBS_MAX ? 0 : err_set(e, ERR_USAGE, false,
	    "--jobs: the number must be from 1 to %d", AHEAD_JOBS_MAX);
}

int
ahead_open(struct ahead **out, uint64_t jobs, struct err *e)
{
	struct ahead *a;

	*out = NULL;
	if (ahead_check_jobs(jobs, e) == -1)
		return -1;
	if (jobs <= 1)
		return 0;
	if ((a = calloc(1, sizeof(*a) + jobs * sizeof(a->child[0]))) == NULL)
		return err_nomem(e);
	a->n = jobs;
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < JOBS_OF_CHILD; k++)
			a->child[i].job[k].child = &a->child[i];
	*out = a;
	return 0;
}

/* Kills the child. For each job that it has not finished, ahead_wait() then
 * returns NULL. */
static void
kill_child(struct child *c)
{
	if (c->pid == 0)
		return;
	(void)kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	(void)close(c->task_fd);
	(void)close(c->done_fd);
	c->pid = 0;
	for (size_t k = 0; k < JOBS_OF_CHILD; k++)
		c->job[k].is_working = false;
}

void
ahead_release(struct ahead_job *j)
{
	if (j->is_working)
		kill_child(j->child);
	j->is_taken = false;
}

void
ahead_kill(struct ahead *a, const void *self)
{
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		struct child *c = &a->child[i];

		if (c->self != self)
			continue;
		kill_child(c);
		for (size_t k = 0; k < JOBS_OF_CHILD; k++)
			c->job[k].is_taken = false;
	}
}

void
ahead_close(struct ahead *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n; i++) {
		struct child *c = &a->child[i];

		kill_child(c);
		for (size_t k = 0; k < JOBS_OF_CHILD; k++)
			if (c->job[k].output != NULL)
				(void)munmap(c->job[k].output, AHEAD_OUTPUT);
	}
	free(a);
}

static size_t
count_taken_jobs(const struct child *c)
{
	size_t n = 0;

	for (size_t k = 0; k < JOBS_OF_CHILD; k++)
		n += c->job[k].is_taken;
	return n;
}

/* Finds the child with the fewest jobs that can be given a job for `self`.
 * Among equals it prefers a child that already works for `self`. A child that
 * still has jobs for another object cannot be given one. */
static struct child *
find_free_child(struct ahead *a, const void *self)
{
	size_t least = SIZE_MAX, cost;
	struct child *found = NULL;

	for (size_t i = 0; a != NULL && i < a->n; i++) {
		struct child *c = &a->child[i];
		const bool is_for_self = c->pid != 0 && c->self == self;
		const size_t taken = count_taken_jobs(c);

		if (taken == JOBS_OF_CHILD || (taken > 0 && !is_for_self))
			continue;
		cost = 2 * taken + !is_for_self;
		if (cost < least) {
			least = cost;
			found = c;
		}
	}
	return found;
}

/* Returns the first job of the child that is not taken. There must be one. */
static struct ahead_job *
get_free_job(struct child *c)
{
	size_t k = 0;

	while (c->job[k].is_taken)
		k++;
	return &c->job[k];
}

/* Maps the memory that the child writes its output into. This must be done
 * before the fork, so that it has the same address in both processes. */
static bool
map_output(struct child *c)
{
	for (size_t k = 0; k < JOBS_OF_CHILD; k++) {
		struct ahead_job *j = &c->job[k];
		void *p = j->output;

		if (p == NULL)
			p = mmap(NULL, AHEAD_OUTPUT, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return false;
		j->output = p;
	}
	return true;
}

/* Reads n bytes from a pipe. A message is shorter than PIPE_BUF, so one read(2)
 * returns all of it. */
static bool
read_whole(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got == -1 && errno == EINTR);
	return got == (ssize_t)n;
}

static bool
write_whole(int fd, const void *p, size_t n)
{
	ssize_t done;

	do
		done = write(fd, p, n);
	while (done == -1 && errno == EINTR);
	return done == (ssize_t)n;
}

/* Executes the tasks of a child. The child prints nothing. If the input of a
 * task is faulty, the child leaves is_done false; the parent then reads the
 * same input itself and reports the fault. The child exits when the parent
 * closes the pipe of the tasks. */
static _Noreturn void
run_child(ahead_work *work, void *self, int task_fd, int done_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct order t;

	if (null == -1 || dup2(null, STDERR_FILENO) == -1)
		_exit(1);
	while (read_whole(task_fd, &t, sizeof(t))) {
		*t.output = (struct ahead_output){ 0 };
		work(self, &t.task, t.output);
		if (!write_whole(done_fd, "", 1))
			break;
	}
	_exit(0);
}

static bool
start_child(struct child *c, ahead_work *work, void *self)
{
	int task[2], done[2];

	if (pipe2(task, O_CLOEXEC) == -1)
		return false;
	if (pipe2(done, O_CLOEXEC) == -1) {
		(void)close(task[0]);
		(void)close(task[1]);
		return false;
	}
	c->pid = fork();
	if (c->pid == 0) {
		(void)close(task[1]);
		(void)close(done[0]);
		run_child(work, self, task[0], done[1]);
	}
	(void)close(task[0]);
	(void)close(done[1]);
	c->task_fd = task[1];
	c->done_fd = done[0];
	c->self = self;
	if (c->pid != -1)
		return true;
	c->pid = 0;
	(void)close(c->task_fd);
	(void)close(c->done_fd);
	return false;
}

struct ahead_job *
ahead_start(struct ahead *a, ahead_work *work, void *self,
    const struct ahead_task *t)
{
	struct child *c = find_free_child(a, self);
	struct order order = { .task = *t };
	struct ahead_job *j;

	if (c == NULL || !map_output(c))
		return NULL;
	if (c->self != self)
		kill_child(c);
	j = get_free_job(c);
	order.output = j->output;
	if ((c->pid == 0 && !start_child(c, work, self)) ||
	    !write_whole(c->task_fd, &order, sizeof(order))) {
		kill_child(c);
		return NULL;
	}
	j->is_taken = j->is_working = true;
	return j;
}

const struct ahead_output *
ahead_wait(struct ahead_job *j)
{
	char byte;

	if (!j->is_working)
		return NULL;
	if (!read_whole(j->child->done_fd, &byte, 1)) {
		kill_child(j->child);
		return NULL;
	}
	j->is_working = false;
	return j->output->is_done ? j->output : NULL;
}

bool
ahead_put_line(struct ahead_output *o, const char *p, size_t n)
{
	if (n + 1 > AHEAD_OUTPUT - sizeof(*o) - o->len)
		return false;
	memcpy(o->data + o->len, p, n);
	o->data[o->len + n] = '\n';
	o->len += n + 1;
	o->records++;
	return true;
}
