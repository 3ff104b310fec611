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
pool_request_worker_from_keeper(
    struct pool *p, unsigned int lane, struct err *e)
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

/* A lane is one worker and its slots (blocks of lines in shared memory).
 * Returns the slot that the worker of this lane is running: among the slots
 * that wait for the worker (SLOT_FULL), it is the one that was submitted
 * first, so it has the lowest turn. Returns NULL if no slot is SLOT_FULL. */
static struct slot *
find_running_slot(
    const struct pool *p, unsigned int lane, unsigned int *slot_number)
{
	const struct slot_lines *b = p->shared->lane[lane].slot_lines;
	struct slot *s = slot_at(p->shared, lane, 0), *found = NULL;

	for (unsigned int i = 0; i < SLOTS; i++)
		if (s[i].state == SLOT_FULL &&
		    (found == NULL || b[i].turn < b[*slot_number].turn)) {
			found = &s[i];
			*slot_number = i;
		}
	return found;
}

static void
describe_death(char out[MESSAGE], const struct pool *p, const struct watch *w,
    int status)
{
	const char *signal = status > 0 ? sigdescr_np(status) : NULL;

	if (w->killed)
		(void)snprintf(out, MESSAGE, "the filter took longer than "
		    "--time-limit %.3gs", (double)p->conf->time_limit / 1000);
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

/* Called when a worker has died while it ran the filter on a record: writes a
 * reject as the result of this record, in place of the worker. `done` is the
 * index of the record in the slot, `status` the signal or minus the exit
 * code. */
static void
write_reject_for_dead_worker(struct pool *p, unsigned int lane,
    unsigned int number, uint32_t done, int status)
{
	const struct slot_lines *b = &p->shared->lane[lane].slot_lines[number];
	struct slot *s = slot_at(p->shared, lane, number);
	/* s->len is the number of output bytes that the dead worker has
	 * written. The worker starts a record only if s->len is less than
	 * SLOT_OUTPUT_PAUSE. A larger value is damaged memory, so it is
	 * limited to SLOT_OUTPUT_PAUSE. */
	uint64_t at = s->len < SLOT_OUTPUT_PAUSE ? s->len : SLOT_OUTPUT_PAUSE;
	char *out = slot_output(p->shared, lane, number) + at;
	struct watch *w = &p->watch[lane];
	char message[MESSAGE];
	int n;

	describe_death(message, p, w, status);
	n = snprintf(out, MESSAGE + 32, "%s%c%s%c%c",
	    w->killed || status == -ENGINE_NOMEM ? "timeout" : "filter",
	    '\0', message, '\0', '\0');
	s->result_place[done] = (struct result_place){
		.turn = b->turn, .at = at, .len = n > 0 ? (uint64_t)n : 0,
		.rejected = true
	};
	s->len = at + s->result_place[done].len;
	s->done = done + 1;
	if (done + 1 == b->n)
		s->state = SLOT_DONE;
}

static int
reject_record_and_replace_worker(
    struct pool *p, const struct event *v, struct err *e)
{
	struct watch *w = &p->watch[v->lane];
	unsigned int number = 0;
	struct slot *s = find_running_slot(p, v->lane, &number);
	const struct slot_lines *b =
	    &p->shared->lane[v->lane].slot_lines[number];
	uint32_t done = s != NULL ? s->done : 0;

	/* The parent kills a worker whose record reaches --time-limit. But
	 * SIGKILL may arrive late, when the worker has finished the slow
	 * record and started the next record. The next record is not at fault:
	 * it is not rejected, and another worker runs it again. */
	bool late = s != NULL && w->killed &&
	    (b->turn != w->turn || s->begun != w->begun);

	if (late) {
		w->idle_deaths = 0;
	} else if (s != NULL && s->begun > done && done < b->n) {
		write_reject_for_dead_worker(p, v->lane, number, done,
		    v->status);
		w->idle_deaths = 0;
	} else if (v->status != 0 && ++w->idle_deaths > MAX_IDLE_DEATHS) {
		return err_set(e, ERR_RETRY, true, "the worker process has "
		    "ended several times before it started a record (%s %d): "
		    "run the command again",
		    v->status < 0 ? "exit code" : "signal", abs(v->status));
	}
	w->killed = false;
	w->busy_ms = 0;
	return pool_request_worker_from_keeper(p, v->lane, e);
}

static int
handle_event(struct pool *p, const struct event *v,
    struct err *e)
{
	switch (v->kind) {
	case EVENT_COMPILED:
		p->compiled = true;
		return 0;
	case EVENT_COMPILE_FAILED:
		*e = p->shared->compile_error;
		return -1;
	case EVENT_SLOT_DONE:
		p->watch[v->lane].idle_deaths = 0;
		return 0;
	case EVENT_WORKER_DIED:
		return reject_record_and_replace_worker(p, v, e);
	case EVENT_FORK_FAILED:
		return err_set(e, ERR_IO, true, "cannot start a worker "
		    "process: fork: %s", strerror(v->status));
	}
	return err_bug(e, "a worker sent the unknown event %d", (int)v->kind);
}

static int
reap_keeper_and_set_error(struct pool *p, struct err *e)
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
pool_read_and_handle_events(struct pool *p, struct err *e)
{
	struct event v[32];
	ssize_t n = read(p->events, v, sizeof(v));

	if (n == -1 && errno == EINTR)
		return 0;
	if (n == -1)
		return err_errno(e, ERR_IO,
		    "cannot read the events of the worker processes");
	if (n == 0)
		return reap_keeper_and_set_error(p, e);
	for (size_t i = 0; i < (size_t)n / sizeof(v[0]); i++)
		if (handle_event(p, &v[i], e) == -1)
			return -1;
	return 0;
}

int64_t
pool_time_check_interval_ms(const struct pool *p)
{
	int64_t tick = (int64_t)p->conf->time_limit / 8;

	if (tick == 0 || tick > TICK_MAX)
		return TICK_MAX;
	return tick < TICK_MIN ? TICK_MIN : tick;
}

/* Measures how long each worker has been running its current record, and kills
 * each worker whose record has reached --time-limit. This function is called
 * at least once in each tick (5 to 100 ms) and adds the time since its last
 * call. If this was more than two ticks ago, the parent was blocked by a slow
 * reader of its output or stopped by SIGSTOP. The filter did not cause this
 * delay, so only one tick is added. */
void
pool_kill_workers_over_time_limit(struct pool *p)
{
	int64_t now = clock_ms(), tick = pool_time_check_interval_ms(p);
	int64_t elapsed = now - p->time_checked_at;

	p->time_checked_at = now;
	if (elapsed > 2 * tick)
		elapsed = tick;
	for (unsigned int i = 0; i < p->shared->lanes; i++) {
		struct watch *w = &p->watch[i];
		unsigned int number = 0;
		const struct slot *s = find_running_slot(p, i, &number);
		uint64_t turn = p->shared->lane[i].slot_lines[number].turn;

		if (s == NULL || s->begun == s->done || w->turn != turn ||
		    w->begun != s->begun) {
			w->busy_ms = 0;
			w->turn = s != NULL ? turn : 0;
			w->begun = s != NULL ? s->begun : 0;
			continue;
		}
		w->busy_ms += elapsed;
		if (p->conf->time_limit == 0 || w->killed ||
		    w->busy_ms < (int64_t)p->conf->time_limit)
			continue;
		w->killed = true;
		(void)kill(p->shared->lane[i].pid, SIGKILL);
	}
}
