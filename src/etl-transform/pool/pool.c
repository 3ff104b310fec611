#include "pool/pool_impl.h"

#include "base/clock.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMPILE_MS = 30000, FINISH_MS = 10000 };

/* Wakes a worker: writes one byte to the pipe from which the worker reads when
 * it has nothing to do. If the pipe is full (EAGAIN), the worker still has
 * bytes to read and wakes up in any case, so the error is ignored. */
void
pool_wake_worker(const struct pool *p, unsigned int lane)
{
	ssize_t n;

	do
		n = write(p->wake_ends[p->shared->lanes + lane], "", 1);
	while (n == -1 && errno == EINTR);
}

static int
create_pipes(struct pool *p, unsigned int jobs, struct err *e)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "cannot create a pipe");
	p->events = pair[0];
	p->worker.events = pair[1];
	if (pipe2(pair, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "cannot create a pipe");
	p->worker.commands = pair[0];
	p->commands = pair[1];
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) == -1)
		return err_errno(e, ERR_IO, "cannot create a pipe");
	p->ready = pair[0];
	p->worker.ready = pair[1];
	for (unsigned int i = 0; i < jobs; i++) {
		if (pipe2(pair, O_CLOEXEC) == -1)
			return err_errno(e, ERR_IO, "cannot create a pipe");
		p->wake_ends[i] = pair[0];
		p->wake_ends[jobs + i] = pair[1];
		if (fcntl(pair[1], F_SETFL, O_NONBLOCK) == -1)
			return err_errno(e, ERR_IO, "cannot set up a pipe");
	}
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static int
fork_keeper(struct pool *p, struct err *e)
{
	pid_t self = getpid();

	if ((p->keeper = fork()) == -1)
		return err_set(e, ERR_IO, true, "cannot start the keeper "
		    "process, which compiles the filter: fork: %s",
		    strerror(errno));
	if (p->keeper == 0)
		keeper_run(&p->worker, self);
	close_fd(&p->worker.events);
	close_fd(&p->worker.ready);
	close_fd(&p->worker.commands);
	for (unsigned int i = 0; i < p->shared->lanes; i++)
		close_fd(&p->wake_ends[i]);
	shared_drop_readonly(p->shared);
	return 0;
}

static int
init_pool(struct pool *p, const struct pool_conf *c, struct err *e)
{
	p->conf = c;
	buf_init(&p->outputs, SIZE_MAX / 4);
	p->keeper = -1;
	p->events = p->ready = p->commands = -1;
	p->time_checked_at = clock_ms();
	p->worker = (struct worker_conf){
		.engine = c->engine, .filter = &c->filter, .dup = c->dup,
		.plain = c->plain, .env = c->env, .memory = c->memory_limit,
		.events = -1, .ready = -1, .commands = -1
	};
	p->slots = calloc((size_t)c->jobs * SLOTS, sizeof(*p->slots));
	p->watch = calloc(c->jobs, sizeof(*p->watch));
	p->wake_ends = calloc((size_t)c->jobs * 2, sizeof(*p->wake_ends));
	if (p->slots == NULL || p->watch == NULL || p->wake_ends == NULL)
		return err_nomem(e);
	for (unsigned int i = 0; i < c->jobs * 2; i++)
		p->wake_ends[i] = -1;
	p->worker.wake_pipes = p->wake_ends;
	return 0;
}

static void
set_slots(struct pool *p)
{
	for (unsigned int lane = 0; lane < p->shared->lanes; lane++)
		for (unsigned int i = 0; i < SLOTS; i++)
			*pool_lane_slot(p, lane, i) = (struct pool_slot){
				.lane = lane, .number = i,
				.shared = slot_at(p->shared, lane, i),
				.lines = slot_lines(p->shared, lane, i),
				.input = slot_input(p->shared, lane, i),
				.output = slot_output(p->shared, lane, i)
			};
}

int
pool_open(struct pool **out, const struct pool_conf *c, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(e);
	if (init_pool(p, c, e) == -1 ||
	    shared_map(&p->shared, c->jobs, c->filter.max_record, e) == -1)
		goto fail;
	p->worker.shared = p->shared;
	set_slots(p);
	if (create_pipes(p, c->jobs, e) == -1 || fork_keeper(p, e) == -1)
		goto fail;
	*out = p;
	return 0;
fail:
	pool_close(p, false);
	return -1;
}

int
pool_start_workers(struct pool *p, struct err *e)
{
	int64_t until = clock_ms() + COMPILE_MS;

	while (!p->compiled) {
		int64_t left = until - clock_ms();
		int rc = wait_fd(p->events, POLLIN, left > 0 ? (int)left : 0);

		if (rc == -1)
			return err_set(e, ERR_RETRY, true, "stopped by a "
			    "signal while the filter was being compiled");
		if (rc == 0)
			return err_set(e, ERR_CONFIG, false,
			    "the filter was not compiled within %d seconds: "
			    "use a smaller filter", COMPILE_MS / 1000);
		if (pool_read_event(p, e) == -1)
			return -1;
	}
	for (unsigned int i = 0; i < p->shared->lanes; i++)
		if (pool_request_worker(p, i, e) == -1)
			return -1;
	return 0;
}

/* Waits until the keeper has exited, after its workers: its events then end.
 * Gives up after FINISH_MS or if a stop signal comes, because a worker that
 * has been taken over by its filter need not exit. */
static bool
wait_for_keeper(const struct pool *p)
{
	int64_t until = clock_ms() + FINISH_MS, left;
	struct event v;

	while ((left = until - clock_ms()) > 0 && wait_fd(p->events, POLLIN,
	    (int)left) == 1)
		if (read(p->events, &v, sizeof(v)) == 0)
			return true;
	return false;
}

/* If all records are done (workers_may_finish), this function closes the pipes
 * to the keeper process and the workers, and they exit when they read the end
 * of file. Otherwise, or if they do not exit soon, this function kills the
 * keeper with SIGKILL. The kernel then kills the workers, because they have
 * called die_with_parent(). */
void
pool_close(struct pool *p, bool workers_may_finish)
{
	if (p == NULL)
		return;
	close_fd(&p->commands);
	for (unsigned int i = 0; p->wake_ends != NULL && i < p->conf->jobs * 2;
	     i++)
		close_fd(&p->wake_ends[i]);
	if (p->keeper > 0) {
		if (!workers_may_finish || !wait_for_keeper(p))
			(void)kill(p->keeper, SIGKILL);
		while (waitpid(p->keeper, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	close_fd(&p->events);
	close_fd(&p->ready);
	close_fd(&p->worker.events);
	close_fd(&p->worker.ready);
	close_fd(&p->worker.commands);
	shared_unmap(p->shared);
	buf_release(&p->outputs);
	free(p->wake_ends);
	free(p->slots);
	free(p->watch);
	free(p);
}
