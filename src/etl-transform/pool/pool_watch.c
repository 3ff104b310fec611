#include "pool/pool_impl.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int
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

struct pool_slot *
pool_lane_slot(const struct pool *p, unsigned int lane, unsigned int number)
{
	return &p->slots[number * p->shared->lanes + lane];
}

void
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

size_t
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

int
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

int64_t
pool_tick_ms(const struct pool *p)
{
	int64_t tick = (int64_t)p->conf->time_limit / 8;

	if (tick == 0 || tick > TICK_MAX)
		return TICK_MAX;
	return tick < TICK_MIN ? TICK_MIN : tick;
}

/* The process id is that of a process, or of a zombie that the keeper keeps
 * until another worker is requested. */
void
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
void
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
