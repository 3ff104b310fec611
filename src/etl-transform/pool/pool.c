#include "pool/pool.h"

#include "base/clock.h"
#include "base/stop.h"
#include "stream/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LOSS_TEXT = 512,        /* room for the reject of a lost record */
	/* If more workers of a lane than this exit in a row before they have
	 * the result of a record, the pool fails. */
	MAX_IDLE_DEATHS = 5,
	/* A worker that does not begin a record within this time is killed. */
	IDLE_MS = 10000
};

/* Why the result of a record is lost. */
enum loss {
	LOSS_NONE,
	LOSS_DEATH,             /* the worker died by itself */
	LOSS_TIME,              /* the parent killed it, for --time-limit */
	LOSS_DAMAGE             /* the parent killed it, because it had damaged
				 * the shared memory */
};

/* What the parent knows about one slot. It is not shared: a worker cannot
 * change it. */
struct pool_slot {
	/* Set once: which slot of which lane this is, and where its parts of
	 * the shared memory are. */
	unsigned int lane, number;
	struct slot *shared;
	struct slot_lines *lines;
	char *input;
	const char *output;
	uint64_t turn;
	bool submitted;         /* it has been given to the worker, and not all
				 * its results have been taken */
	bool large_output;      /* its results have taken much memory */
	bool has_lost;
	uint32_t n;             /* lines */
	uint64_t len;           /* bytes of all lines */
	uint32_t done;          /* results, as the worker last said */
	uint32_t done_before;   /* when the worker was last told to run it */
	struct {
		uint32_t at, len;               /* in slot_input() */
		uint64_t number, offset;        /* in the input stream */
	} line[SLOT_RECORDS];
	struct {
		enum loss loss;
		int status;     /* of the worker, as in struct event */
	} lost[SLOT_RECORDS];
};

/* What the parent knows about the worker of one lane. */
struct watch {
	pid_t pid;              /* 0: none, as far as the parent knows */
	enum loss killed;       /* by the parent, for this reason */
	/* At the last check of the time: the slot that the worker was running,
	 * the number of results in it, and whether it had begun the next
	 * record. */
	uint64_t turn;
	uint32_t done;
	bool busy;
	int64_t busy_ms;        /* how long it has run this record */
	int64_t idle_ms;        /* how long it has not begun this record */
	/* Workers that have exited in a row before they had a result. */
	unsigned int idle_deaths;
};

struct pool {
	const struct pool_conf *conf;
	struct worker_conf worker;
	struct shared *shared;
	struct pool_slot *slots;        /* in the order of their turns */
	pid_t keeper;
	int events, ready, commands;
	/* Pipes that wake the workers: the read ends of all lanes, then the
	 * write ends of all lanes. */
	int *wake_ends;
	struct watch *watch;
	uint64_t filling, emptying;     /* turns */
	uint32_t results_taken; /* results taken from the slot `emptying` */
	/* Copies of a reject and of outputs, because a worker that is still
	 * running could change the shared memory while the parent uses it. */
	char reject_copy[REJECT_MAX];
	struct buf outputs;
	int64_t time_checked_at;
	bool compiled;
};

/* In pool.c: the state of the slots, events of the processes, and
 * --time-limit. */

static int
pool_request_worker(struct pool *p, unsigned int lane, struct err *e)
{
	unsigned char byte = (unsigned char)lane;
	ssize_t n;

	do
		n = write(p->commands, &byte, 1);
	while (n == -1 && errno == EINTR);
	if (n != 1)
		return err_set(e, ERR_RETRY, true, "cannot start a worker "
		    "process: the keeper process, which starts them, has "
		    "exited; run the command again");
	return 0;
}

enum { TICK_MIN = 5, TICK_MAX = 100, /* ms */ MESSAGE = 256 };

/* The slot of this number, from 0 to SLOTS - 1, in the lane. */
static struct pool_slot *
pool_lane_slot(const struct pool *p, unsigned int lane, unsigned int number)
{
	return &p->slots[number * p->shared->lanes + lane];
}

/* Loads how many results the worker says the slot has, once: the only number of
 * this kind that counts is b->done, which never falls or exceeds b->n. */
static void
pool_note_done(struct pool *p, struct pool_slot *b)
{
	uint32_t done =
	    atomic_load_explicit(&b->shared->done, memory_order_acquire);

	if (done > b->n)
		done = b->n;
	if (done <= b->done)
		return;
	b->done = done;
	p->watch[b->lane].idle_deaths = 0;
}

/* A lane is one worker and its slots. Returns the slot that the worker of this
 * lane is running: among the slots that wait for the worker, it is the one that
 * was submitted first. Returns NULL if there is none. */
static struct pool_slot *
find_running_slot(const struct pool *p, unsigned int lane)
{
	struct pool_slot *found = NULL;

	for (unsigned int i = 0; i < SLOTS; i++) {
		struct pool_slot *b = pool_lane_slot(p, lane, i);

		if (b->submitted && b->shared->state != SLOT_DONE &&
		    (found == NULL || b->turn < found->turn))
			found = b;
	}
	return found;
}

static bool
has_begun_next(const struct pool_slot *b)
{
	return b->done < b->n && b->shared->begun > b->done;
}

static void
describe_loss(char out[MESSAGE], const struct pool *p, enum loss loss,
    int status)
{
	const char *signal = status > 0 ? sigdescr_np(status) : NULL;

	if (loss == LOSS_TIME)
		(void)snprintf(out, MESSAGE, "the filter took longer than "
		    "--time-limit %.3gs", (double)p->conf->time_limit / 1000);
	else if (loss == LOSS_DAMAGE)
		(void)snprintf(out, MESSAGE, "the worker process that runs the "
		    "filter damaged its shared memory and was killed");
	else if (status == -ENGINE_NOMEM)
		(void)snprintf(out, MESSAGE, "the filter needs more memory "
		    "than --memory-limit %llu",
		    (unsigned long long)p->conf->memory_limit);
	else if (status == SIGSYS)
		(void)snprintf(out, MESSAGE, "the worker process that runs the "
		    "filter was killed: it made a system call that a filter "
		    "does not need (seccomp)");
	else
		(void)snprintf(out, MESSAGE, "the worker process that runs the "
		    "filter died: %s", signal != NULL ? signal :
		    "it exited unexpectedly");
}

/* Writes the reject of a lost record, as a worker writes one, to out; returns
 * its length. */
static size_t
pool_write_loss(const struct pool *p, enum loss loss, int status, char *out,
    size_t size)
{
	char message[MESSAGE];
	int n;

	describe_loss(message, p, loss, status);
	n = snprintf(out, size, "%s%c%s%c%c", loss == LOSS_TIME ||
	    status == -ENGINE_NOMEM ? "timeout" : "filter", '\0', message,
	    '\0', '\0');
	return n > 0 ? (size_t)n : 0;
}

/* Returns the slot whose next record the dead worker was running, or NULL. A
 * worker that the parent has killed may have finished the slow record before
 * SIGKILL arrived, and started the next one. The next record is not at fault:
 * it is not rejected, and another worker runs it again. */
static struct pool_slot *
find_lost_record(const struct pool *p, unsigned int lane)
{
	const struct watch *w = &p->watch[lane];
	struct pool_slot *found = NULL;

	for (unsigned int i = 0; i < SLOTS; i++) {
		struct pool_slot *b = pool_lane_slot(p, lane, i);
		bool late = w->killed != LOSS_NONE &&
		    (b->turn != w->turn || b->done != w->done);

		if (b->submitted && b->done < b->n && !late &&
		    (w->killed == LOSS_DAMAGE || has_begun_next(b)) &&
		    (found == NULL || b->turn < found->turn))
			found = b;
	}
	return found;
}

/* The worker of the slot is dead. Sets all that the next worker reads in the
 * shared memory: it goes on after the records that have a result. */
static void
repair_slot(struct pool_slot *b)
{
	struct slot *s = b->shared;
	uint64_t len = s->len;

	/* A worker starts a record only if len is less than SLOT_OUTPUT_PAUSE.
	 * Each time it is told to run the slot, len is 0. */
	if (b->done == b->done_before)
		len = 0;
	s->len = len < SLOT_OUTPUT_PAUSE ? len : SLOT_OUTPUT_PAUSE;
	s->begun = b->done;
	s->done = b->done;
	s->state = b->done < b->n ? SLOT_FULL : SLOT_DONE;
	b->large_output = true; /* it may have written any part of it */
}

/* Rejects the record that the worker was running, and starts another worker. */
static int
replace_worker(struct pool *p, unsigned int lane, int status, struct err *e)
{
	struct watch *w = &p->watch[lane];
	struct pool_slot *lost;

	w->idle_deaths++;
	for (unsigned int i = 0; i < SLOTS; i++)
		if (pool_lane_slot(p, lane, i)->submitted)
			pool_note_done(p, pool_lane_slot(p, lane, i));
	if ((lost = find_lost_record(p, lane)) != NULL) {
		lost->lost[lost->done].loss =
		    w->killed != LOSS_NONE ? w->killed : LOSS_DEATH;
		lost->lost[lost->done].status = status;
		lost->has_lost = true;
		lost->done++;
		w->idle_deaths = 0;
	}
	if (w->idle_deaths > MAX_IDLE_DEATHS)
		return err_set(e, ERR_RETRY, true, "the worker process has "
		    "ended several times before it started a record (%s %d): "
		    "run the command again",
		    status < 0 ? "exit code" : "signal", abs(status));
	for (unsigned int i = 0; i < SLOTS; i++)
		if (pool_lane_slot(p, lane, i)->submitted)
			repair_slot(pool_lane_slot(p, lane, i));
	w->pid = 0;
	w->killed = LOSS_NONE;
	w->busy = false;
	w->busy_ms = 0;
	w->idle_ms = 0;
	return pool_request_worker(p, lane, e);
}

/* The error of the compiler follows its event. */
static int
read_compile_error(const struct pool *p, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	size_t n = 0;

	while (n < sizeof(why)) {
		ssize_t got = read(p->events, (char *)&why + n,
		    sizeof(why) - n);

		if (got == 0 || (got == -1 && errno != EINTR))
			return err_bug(e, "the keeper process did not say why "
			    "the filter cannot be compiled");
		if (got > 0)
			n += (size_t)got;
	}
	why.msg[sizeof(why.msg) - 1] = '\0';
	*e = why;
	return -1;
}

static int
handle_event(struct pool *p, const struct event *v, struct err *e)
{
	if (v->lane >= p->shared->lanes)
		return err_bug(e, "the keeper process sent the unknown lane "
		    "%u", v->lane);
	switch (v->kind) {
	case EVENT_COMPILED:
		p->compiled = true;
		return 0;
	case EVENT_COMPILE_FAILED:
		return read_compile_error(p, e);
	case EVENT_WORKER_STARTED:
		p->watch[v->lane].pid = v->status;
		p->watch[v->lane].idle_ms = 0;
		return 0;
	case EVENT_WORKER_DIED:
		return replace_worker(p, v->lane, v->status, e);
	case EVENT_FORK_FAILED:
		return err_set(e, ERR_IO, true, "cannot start a worker "
		    "process: fork: %s", strerror(v->status));
	}
	return err_bug(e, "the keeper process sent the unknown event %d",
	    (int)v->kind);
}

/* Sets the error that says why the keeper has exited. */
static int
reap_keeper(struct pool *p, struct err *e)
{
	int status = 0, sig;

	if (waitpid(p->keeper, &status, 0) == p->keeper)
		p->keeper = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return err_set(e, ERR_RETRY, true, "the keeper process, which "
		    "compiles the filter, exited: it had too little memory or "
		    "too few file descriptors; run the command again");
	sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	/* If the keeper process died of a signal before it had compiled the
	 * filter, the filter is the cause. SIGKILL is an exception: a user
	 * sends it, or the kernel, for example when memory is out. */
	if (!p->compiled && sig != SIGKILL)
		return err_set(e, ERR_CONFIG, false, "the filter cannot be "
		    "compiled: the keeper process, which compiles it, was "
		    "killed by signal %d: use a simpler filter", sig);
	return err_set(e, ERR_RETRY, true, "the keeper process, which starts "
	    "the workers of the filter, was killed by signal %d: run the "
	    "command again", sig);
}

/* Reads one event of the keeper and acts on it. */
static int
pool_read_event(struct pool *p, struct err *e)
{
	struct event v;
	ssize_t n = read(p->events, &v, sizeof(v));

	if (n == -1 && errno == EINTR)
		return 0;
	if (n == -1)
		return err_errno(e, ERR_IO,
		    "cannot read the events of the keeper process");
	if (n == 0)
		return reap_keeper(p, e);
	if (n != sizeof(v))
		return err_bug(e, "the keeper process sent half of an event");
	return handle_event(p, &v, e);
}

/* Returns how often the time limit is checked, in milliseconds. */
static int64_t
pool_tick_ms(const struct pool *p)
{
	int64_t tick = (int64_t)p->conf->time_limit / 8;

	if (tick == 0 || tick > TICK_MAX)
		return TICK_MAX;
	return tick < TICK_MIN ? TICK_MIN : tick;
}

/* Kills the worker, because of what it does in this slot. The process id is
 * that of a process, or of a zombie that the keeper keeps until another worker
 * is requested. */
static void
pool_kill_worker(
    struct pool *p, const struct pool_slot *b, enum loss reason)
{
	struct watch *w = &p->watch[b->lane];

	if (w->killed != LOSS_NONE || w->pid <= 0)
		return;
	w->killed = reason;
	w->turn = b->turn;
	w->done = b->done;
	(void)kill(w->pid, SIGKILL);
}

/* Adds the time to what the worker has needed for its record, or to what it has
 * needed to begin one, and kills a worker that has needed too much. Only a
 * result is progress: a worker can write any number of records begun. */
static void
check_time(struct pool *p, unsigned int lane, int64_t elapsed)
{
	struct watch *w = &p->watch[lane];
	struct pool_slot *b = find_running_slot(p, lane);
	int64_t limit = (int64_t)p->conf->time_limit;
	bool busy;

	if (w->killed != LOSS_NONE)
		return;
	if (b == NULL) {
		w->busy = false;
		w->busy_ms = 0;
		w->idle_ms = 0;
		return;
	}
	pool_note_done(p, b);
	busy = has_begun_next(b);
	if (w->turn != b->turn || w->done != b->done) {
		w->busy_ms = 0;
		w->idle_ms = 0;
	} else if (!busy) {
		w->idle_ms += elapsed;
	} else if (w->busy) {
		w->busy_ms += elapsed;
	}
	w->turn = b->turn;
	w->done = b->done;
	w->busy = busy;
	if (limit != 0 && w->busy_ms >= limit)
		pool_kill_worker(p, b, LOSS_TIME);
	else if (w->idle_ms >= IDLE_MS)
		pool_kill_worker(p, b, LOSS_DEATH);
}

/* Measures how long each worker has been running its current record, and kills
 * each worker whose record has reached --time-limit. This function is called
 * at least once in each tick (5 to 100 ms) and adds the time since its last
 * call. If this was more than two ticks ago, the parent was blocked by a slow
 * reader of its output or stopped by SIGSTOP. The filter did not cause this
 * delay, so only one tick is added. */
static void
pool_kill_late(struct pool *p)
{
	int64_t now = clock_ms(), tick = pool_tick_ms(p);
	int64_t elapsed = now - p->time_checked_at;

	p->time_checked_at = now;
	if (elapsed > 2 * tick)
		elapsed = tick;
	for (unsigned int i = 0; i < p->shared->lanes; i++)
		check_time(p, i, elapsed);
}

enum { COMPILE_MS = 30000, FINISH_MS = 10000 };

/* Wakes a worker: writes one byte to the pipe from which the worker reads when
 * it has nothing to do. If the pipe is full (EAGAIN), the worker still has
 * bytes to read and wakes up in any case, so the error is ignored. */
static void
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

/* This file copies input lines into the shared memory for the workers and takes
 * the results from there. A slot holds up to SLOT_RECORDS lines and their
 * results. The slots are used one after the other, again and again. Each time a
 * slot is filled it gets a number, its turn, counted from 0. p->filling is the
 * turn of the slot to which the next line is added, p->emptying the turn of the
 * slot whose results are taken next. The slots of the turns from emptying to
 * filling - 1 belong to workers. */

static struct pool_slot *
slot_of_turn(const struct pool *p, uint64_t turn)
{
	return &p->slots[turn % ((uint64_t)p->shared->lanes * SLOTS)];
}

bool
pool_may_add_line(const struct pool *p)
{
	/* If the slot that was submitted last has more than 1 MiB of lines, it
	 * holds a large record. All results must then be taken before the pool
	 * accepts another line, so that few large records are in memory at the
	 * same time. */
	if (p->filling > p->emptying &&
	    slot_of_turn(p, p->filling - 1)->len > SLOT_OUTPUT_PAUSE)
		return false;
	return p->filling - p->emptying <
	    (uint64_t)p->shared->lanes * SLOTS;
}

bool
pool_is_empty(const struct pool *p)
{
	return p->filling == p->emptying &&
	    slot_of_turn(p, p->filling)->n == 0;
}

void
pool_add_line(struct pool *p, const struct line *l)
{
	struct pool_slot *b = slot_of_turn(p, p->filling);
	struct slot_lines *lines = b->lines;

	memcpy(b->input + b->len, l->data, l->len);
	lines->line[b->n].at = (uint32_t)b->len;
	lines->line[b->n].len = (uint32_t)l->len;
	b->line[b->n].at = (uint32_t)b->len;
	b->line[b->n].len = (uint32_t)l->len;
	b->line[b->n].number = l->number;
	b->line[b->n].offset = l->offset;
	b->n++;
	b->len += l->len;
	if (b->n == SLOT_RECORDS || b->len >= SLOT_BYTES)
		pool_submit(p);
}

/* Tells the worker to run the slot from its record b->done on, with all of the
 * output memory. */
static void
start_slot(const struct pool *p, struct pool_slot *b)
{
	struct slot *s = b->shared;

	b->done_before = b->done;
	s->begun = b->done;
	s->done = b->done;
	s->len = 0;
	s->state = SLOT_FULL;
	pool_wake_worker(p, b->lane);
}

void
pool_submit(struct pool *p)
{
	struct pool_slot *b = slot_of_turn(p, p->filling);

	if (!pool_may_add_line(p) || b->n == 0)
		return;
	b->turn = p->filling;
	b->submitted = true;
	b->lines->turn = b->turn;
	b->lines->n = b->n;
	start_slot(p, b);
	p->filling++;
}

int
pool_wait(struct pool *p, int input_fd, struct err *e)
{
	struct pollfd fds[3] = {
		{ .fd = p->events, .events = POLLIN },
		{ .fd = p->ready, .events = POLLIN },
		{ .fd = input_fd, .events = POLLIN }
	};
	int n = wait_fds(fds, input_fd == -1 ? 2 : 3, (int)pool_tick_ms(p));
	char bytes[4096];

	/* What a worker writes to the pipe `ready` means nothing: it has only
	 * woken the parent. */
	if (n > 0 && fds[1].revents != 0)
		(void)!read(p->ready, bytes, sizeof(bytes));
	if (n > 0 && fds[0].revents != 0 && pool_read_event(p, e) == -1)
		return -1;
	pool_kill_late(p);
	return 0;
}

/* Makes the whole output memory of the slot free again. The caller has taken
 * and written all results in it. */
static void
discard_output(const struct pool *p, struct pool_slot *b)
{
	if (b->large_output)
		slot_release_output(p->shared, b->lane, b->number);
	b->large_output = false;
}

static void
release_large_input(const struct pool *p, const struct pool_slot *b)
{
	if (b->len > SLOT_OUTPUT_PAUSE)
		slot_release_input(p->shared, b->lane, b->number);
}

/* Empties the slot whose results were all taken, and goes on to the next
 * one. */
static void
finish_slot(struct pool *p)
{
	struct pool_slot *b = slot_of_turn(p, p->emptying);

	release_large_input(p, b);
	discard_output(p, b);
	b->shared->state = SLOT_FREE;
	b->submitted = false;
	b->has_lost = false;
	b->n = 0;
	b->len = 0;
	b->done = 0;
	p->emptying++;
	p->results_taken = 0;
}

/* A result_place as the parent has loaded it. */
struct place {
	uint64_t turn, at, len;
	bool rejected;
};

/* Loads each number once: the worker could change it between the check and the
 * use. */
static struct place
load_place(struct result_place *r)
{
	return (struct place){
		.turn = atomic_load_explicit(&r->turn, memory_order_relaxed),
		.at = atomic_load_explicit(&r->at, memory_order_relaxed),
		.len = atomic_load_explicit(&r->len, memory_order_relaxed),
		.rejected = atomic_load_explicit(
		    &r->rejected, memory_order_relaxed) != 0
	};
}

/* Checks where a worker says that it has written the result of a record. A
 * worker can write to all of its output memory, and a bug in libjq can make it
 * write wrong values. So the result must belong to these lines and lie inside
 * the output memory of the slot. */
static bool
is_valid_place(const struct pool *p, const struct place *place)
{
	return place->turn == p->emptying && place->at <= p->shared->out_max &&
	    place->len <= p->shared->out_max - place->at;
}

/* Copies the code, the message and the JSON Pointer of a reject, which a worker
 * writes as three strings one after the other, each with a NUL. Three NULs are
 * added, so that strlen() stops inside the copy even if the worker wrote
 * none. */
static void
copy_reject(struct pool *p, struct result *r, const char *text, size_t len)
{
	if (len > REJECT_MAX - 3)
		len = REJECT_MAX - 3;
	memcpy(p->reject_copy, text, len);
	memset(p->reject_copy + len, 0, 3);
	r->code = p->reject_copy;
	r->message = r->code + strlen(r->code) + 1;
	r->pointer = r->message + strlen(r->message) + 1;
}

/* Copies the outputs of a record out of the shared memory, because a worker
 * that is still running could change them after the check. */
static int
copy_outputs(struct pool *p, const char *out, size_t len, struct err *e)
{
	if (p->outputs.cap / 2 > SLOT_OUTPUT_PAUSE)
		buf_release(&p->outputs);
	buf_clear(&p->outputs);
	buf_add(&p->outputs, out, len);
	return buf_check(&p->outputs, e);
}

/* The worker rejects a record whose output is a mark (outcome.c). So if there
 * is a mark all the same, the filter has taken control of the worker
 * process. */
static bool
has_mark_line(const struct buf *outputs)
{
	const char *p = outputs->data, *end = p + outputs->len, *lf;

	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		if (is_mark_line(p, (size_t)(lf - p)))
			return true;
	}
	return false;
}

/* A reject: code and message. */
static const char damaged[] =
    "filter\0" "the worker process that runs the filter damaged its shared "
    "memory: the result of this record is lost";

/* Checks the outputs in p->outputs. Returns NULL, or the reject that takes
 * their place. */
static const char *
find_bad_output(const struct buf *outputs, size_t *len)
{
	static const char mark[] =
	    "reserved\0" "the worker process that runs the filter wrote a line "
	    "that begins with the member @etl, which is reserved for marks";

	*len = sizeof(damaged);
	if (outputs->len > 0 && outputs->data[outputs->len - 1] != '\n')
		return damaged;
	*len = sizeof(mark);
	return outputs->len > 0 && has_mark_line(outputs) ? mark : NULL;
}

/* Writes the reject that a worker has written, if its code is one. */
static void
fill_worker_reject(struct pool *p, struct result *r, const char *text,
    size_t len)
{
	copy_reject(p, r, text, len);
	if (!outcome_is_code(r->code, strlen(r->code)))
		copy_reject(p, r, damaged, sizeof(damaged));
}

/* Sets *r to the result of line i. If the worker wrote something wrong, it
 * becomes a reject. */
static int
fill_result(struct pool *p, uint32_t i, struct result *r, struct err *e)
{
	struct pool_slot *b = slot_of_turn(p, p->emptying);
	const struct place place = load_place(&b->shared->result_place[i]);
	char text[LOSS_TEXT] = "";
	const char *fault;
	size_t n;

	*r = (struct result){
		.line = b->input + b->line[i].at,
		.line_len = b->line[i].len,
		.number = b->line[i].number,
		.offset = b->line[i].offset,
	};
	if (b->has_lost && b->lost[i].loss != LOSS_NONE) {
		copy_reject(p, r, text, pool_write_loss(p, b->lost[i].loss,
		    b->lost[i].status, text, sizeof(text)));
		b->lost[i].loss = LOSS_NONE;
		return 1;
	}
	if (!is_valid_place(p, &place)) {
		copy_reject(p, r, damaged, sizeof(damaged));
		return 1;
	}
	b->large_output |= (place.at + place.len) / 2 > SLOT_OUTPUT_PAUSE;
	if (place.rejected) {
		fill_worker_reject(p, r, b->output + place.at, place.len);
	} else if (copy_outputs(p, b->output + place.at,
	    place.len, e) == -1) {
		return -1;
	} else if ((fault = find_bad_output(&p->outputs, &n)) !=
	    NULL) {
		copy_reject(p, r, fault, n);
	} else {
		r->text = p->outputs.data;
		r->text_len = p->outputs.len;
		/* The caller needs the line only for a reject, so after the
		 * last record the memory of large lines is freed early. */
		if (i + 1 == b->n)
			release_large_input(p, b);
	}
	return 1;
}

int
pool_take_result(struct pool *p, struct result *r, struct err *e)
{
	while (p->emptying < p->filling) {
		struct pool_slot *b = slot_of_turn(p, p->emptying);
		bool stopped = false;

		if (p->results_taken == b->done) {
			/* Read the state before s->done: if the worker has
			 * stopped, s->done does not grow after that. */
			stopped = b->shared->state == SLOT_DONE;
			pool_note_done(p, b);
		}
		if (p->results_taken < b->done)
			return fill_result(p, p->results_taken++, r, e);
		if (!stopped)
			return 0;
		if (p->results_taken == b->n) {
			finish_slot(p);
			continue;
		}
		/* The worker stopped before the last line, because it had
		 * written SLOT_OUTPUT_PAUSE bytes of results. All these results
		 * are taken, so the worker can reuse their memory and run the
		 * other lines. But a worker that has no result to show for its
		 * memory runs nothing. */
		discard_output(p, b);
		if (b->done == b->done_before)
			pool_kill_worker(p, b, LOSS_DAMAGE);
		start_slot(p, b);
		return 0;
	}
	return 0;
}
