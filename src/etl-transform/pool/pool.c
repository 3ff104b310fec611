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

enum { COMPILE_MS = 30000 };

unsigned int
pool_lane(const struct pool *p, uint64_t turn)
{
	return (unsigned int)(turn % p->shared->lanes);
}

unsigned int
pool_slot_number(const struct pool *p, uint64_t turn)
{
	return (unsigned int)(turn / p->shared->lanes % SLOTS);
}

struct batch *
pool_batch(const struct pool *p, uint64_t turn)
{
	return &p->shared->lane[pool_lane(p, turn)].
	    batch[pool_slot_number(p, turn)];
}

struct slot *
pool_slot(const struct pool *p, uint64_t turn)
{
	return slot_at(p->shared, pool_lane(p, turn),
	    pool_slot_number(p, turn));
}

/* A full pipe has rung enough. */
void
pool_ring(const struct pool *p, unsigned int lane)
{
	ssize_t n;

	do
		n = write(p->ends[p->shared->lanes + lane], "", 1);
	while (n == -1 && errno == EINTR);
}

static int
make_pipes(struct pool *p, unsigned int jobs, struct err *e)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "pipe");
	p->events = pair[0];
	p->worker.events = pair[1];
	if (pipe2(pair, O_CLOEXEC) == -1)
		return err_errno(e, ERR_IO, "pipe");
	p->worker.commands = pair[0];
	p->commands = pair[1];
	for (unsigned int i = 0; i < jobs; i++) {
		if (pipe2(pair, O_CLOEXEC) == -1)
			return err_errno(e, ERR_IO, "pipe");
		p->ends[i] = pair[0];
		p->ends[jobs + i] = pair[1];
		if (fcntl(pair[1], F_SETFL, O_NONBLOCK) == -1)
			return err_errno(e, ERR_IO, "pipe");
	}
	return 0;
}

static void
shut(int *fd)
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
		return err_set(e, ERR_IO, true, "fork: %s", strerror(errno));
	if (p->keeper == 0)
		keeper_run(&p->worker, self);
	shut(&p->worker.events);
	shut(&p->worker.commands);
	for (unsigned int i = 0; i < p->shared->lanes; i++)
		shut(&p->ends[i]);
	return 0;
}

static int
pool_fill_in(struct pool *p, const struct pool_conf *c, struct err *e)
{
	p->conf = c;
	p->keeper = -1;
	p->events = p->commands = -1;
	p->looked = clock_ms();
	p->worker = (struct worker_conf){
		.engine = c->engine, .filter = &c->filter, .dup = c->dup,
		.plain = c->plain, .env = c->env, .memory = c->memory_limit,
		.events = -1, .commands = -1
	};
	p->watch = calloc(c->jobs, sizeof(*p->watch));
	p->ends = calloc((size_t)c->jobs * 2, sizeof(*p->ends));
	if (p->watch == NULL || p->ends == NULL)
		return err_nomem(e);
	for (unsigned int i = 0; i < c->jobs * 2; i++)
		p->ends[i] = -1;
	p->worker.bells = p->ends;
	return 0;
}

int
pool_open(struct pool **out, const struct pool_conf *c, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(e);
	if (pool_fill_in(p, c, e) == -1 ||
	    shared_map(&p->shared, c->jobs, c->filter.max_record, e) == -1)
		goto fail;
	p->worker.shared = p->shared;
	if (make_pipes(p, c->jobs, e) == -1 || fork_keeper(p, e) == -1)
		goto fail;
	*out = p;
	return 0;
fail:
	pool_close(p, false);
	return -1;
}

int
pool_ready(struct pool *p, struct err *e)
{
	int64_t until = clock_ms() + COMPILE_MS;

	while (!p->compiled) {
		int64_t left = until - clock_ms();
		int rc = wait_fd(p->events, POLLIN, left > 0 ? (int)left : 0);

		if (rc == -1)
			return err_set(e, ERR_RETRY, true, "stopped");
		if (rc == 0)
			return err_set(e, ERR_CONFIG, false,
			    "the filter takes too long to compile");
		if (pool_events(p, e) == -1)
			return -1;
	}
	for (unsigned int i = 0; i < p->shared->lanes; i++)
		if (pool_start(p, i, e) == -1)
			return -1;
	return 0;
}

/* A SIGKILL ends the keeper and, by it, all workers; else they end when they
 * find their pipes closed. */
void
pool_close(struct pool *p, bool whole)
{
	if (p == NULL)
		return;
	shut(&p->commands);
	for (unsigned int i = 0; p->ends != NULL && i < p->conf->jobs * 2; i++)
		shut(&p->ends[i]);
	if (p->keeper > 0) {
		if (!whole)
			(void)kill(p->keeper, SIGKILL);
		while (waitpid(p->keeper, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	shut(&p->events);
	shut(&p->worker.events);
	shut(&p->worker.commands);
	shared_unmap(p->shared);
	free(p->ends);
	free(p->watch);
	free(p);
}
