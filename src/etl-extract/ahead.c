#include "ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct ahead_job {
	struct ahead_output *output;    /* shared with the child; NULL: none
					 * was started in this place */
	pid_t pid;                      /* 0: there is no child */
	const void *self;               /* for which the child works */
	int task_fd;                    /* to the child */
	int done_fd;                    /* from the child: a byte per task */
	bool is_taken;                  /* from ahead_start() on */
	bool is_working;
};

struct ahead {
	size_t n;
	struct ahead_job job[];
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
	/* One more: its output is being written while the others work. */
	jobs++;
	if ((a = calloc(1, sizeof(*a) + jobs * sizeof(a->job[0]))) == NULL)
		return err_nomem(e);
	a->n = jobs;
	*out = a;
	return 0;
}

static void
end_child(struct ahead_job *j)
{
	if (j->pid == 0)
		return;
	(void)kill(j->pid, SIGKILL);
	while (waitpid(j->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	(void)close(j->task_fd);
	(void)close(j->done_fd);
	j->pid = 0;
	j->is_working = false;
}

void
ahead_release(struct ahead_job *j)
{
	if (j->is_working)
		end_child(j);
	j->is_taken = false;
}

void
ahead_end_children(struct ahead *a, const void *self)
{
	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (a->job[i].self == self) {
			end_child(&a->job[i]);
			a->job[i].is_taken = false;
		}
}

void
ahead_close(struct ahead *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n; i++) {
		end_child(&a->job[i]);
		if (a->job[i].output != NULL)
			(void)munmap(a->job[i].output, AHEAD_OUTPUT);
	}
	free(a);
}

/* A job that is free, if possible one whose child already works for self. */
static struct ahead_job *
find_free(struct ahead *a, const void *self)
{
	struct ahead_job *found = NULL;

	for (size_t i = 0; a != NULL && i < a->n; i++) {
		struct ahead_job *j = &a->job[i];

		if (!j->is_taken && j->pid != 0 && j->self == self)
			return j;
		if (!j->is_taken && found == NULL)
			found = j;
	}
	return found;
}

static bool
map_output(struct ahead_job *j)
{
	void *p = j->output;

	if (p == NULL)
		p = mmap(NULL, AHEAD_OUTPUT, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return false;
	j->output = p;
	return true;
}

/* Reads or writes a few bytes on a pipe. */
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

/* A child prints nothing: if its input has a fault, it gives the task up, and
 * its parent reads the same input and reports the fault. The child exits when
 * the parent closes the pipe of the tasks. */
static _Noreturn void
run_child(struct ahead_output *o, ahead_work *work, void *self, int task_fd,
    int done_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct ahead_task t;

	if (null == -1 || dup2(null, STDERR_FILENO) == -1)
		_exit(1);
	while (read_whole(task_fd, &t, sizeof(t))) {
		*o = (struct ahead_output){ 0 };
		work(self, &t, o);
		if (!write_whole(done_fd, "", 1))
			break;
	}
	_exit(0);
}

static bool
start_child(struct ahead_job *j, ahead_work *work, void *self)
{
	int task[2], done[2];

	if (pipe2(task, O_CLOEXEC) == -1)
		return false;
	if (pipe2(done, O_CLOEXEC) == -1) {
		(void)close(task[0]);
		(void)close(task[1]);
		return false;
	}
	j->pid = fork();
	if (j->pid == 0) {
		(void)close(task[1]);
		(void)close(done[0]);
		run_child(j->output, work, self, task[0], done[1]);
	}
	(void)close(task[0]);
	(void)close(done[1]);
	j->task_fd = task[1];
	j->done_fd = done[0];
	j->self = self;
	if (j->pid != -1)
		return true;
	j->pid = 0;
	(void)close(j->task_fd);
	(void)close(j->done_fd);
	return false;
}

struct ahead_job *
ahead_start(struct ahead *a, ahead_work *work, void *self,
    const struct ahead_task *t)
{
	struct ahead_job *j = find_free(a, self);

	if (j == NULL || !map_output(j))
		return NULL;
	if (j->self != self)
		end_child(j);
	if ((j->pid == 0 && !start_child(j, work, self)) ||
	    !write_whole(j->task_fd, t, sizeof(*t))) {
		end_child(j);
		return NULL;
	}
	j->is_taken = j->is_working = true;
	return j;
}

const struct ahead_output *
ahead_wait(struct ahead_job *j)
{
	char byte;

	if (!j->is_working || !read_whole(j->done_fd, &byte, 1)) {
		end_child(j);
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
