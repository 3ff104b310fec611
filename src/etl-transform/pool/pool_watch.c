#include "pool/pool_impl.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int
pool_start(struct pool *p, unsigned int lane, struct err *e)
{
	unsigned char byte = (unsigned char)lane;
	ssize_t n;

	do
		n = write(p->commands, &byte, 1);
	while (n == -1 && errno == EINTR);
	if (n != 1)
		return err_set(e, ERR_RETRY, true,
		    "the filter's process has gone");
	return 0;
}

enum { TICK_MIN = 5, TICK_MAX = 100, MESSAGE = 256 };

/* What the lane's worker is at: its FULL slot with the lowest turn. */
static struct slot *
current(const struct pool *p, unsigned int lane, unsigned int *number)
{
	const struct batch *b = p->shared->lane[lane].batch;
	struct slot *s = slot_at(p->shared, lane, 0), *found = NULL;

	for (unsigned int i = 0; i < SLOTS; i++)
		if (s[i].state == SLOT_FULL &&
		    (found == NULL || b[i].turn < b[*number].turn)) {
			found = &s[i];
			*number = i;
		}
	return found;
}

static void
describe(char out[MESSAGE], const struct pool *p, const struct watch *w,
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
	else
		(void)snprintf(out, MESSAGE, "the filter's process died: %s",
		    signal != NULL ? signal : "it left");
}

/* The record that the dead worker held is a reject. */
static void
blame(struct pool *p, unsigned int lane, unsigned int number, uint32_t done,
    int status)
{
	const struct batch *b = &p->shared->lane[lane].batch[number];
	struct slot *s = slot_at(p->shared, lane, number);
	/* No record begins past SPILL: what is there it made and lost. */
	uint64_t at = s->len < SLOT_SPILL ? s->len : SLOT_SPILL;
	char *out = slot_out(p->shared, lane, number) + at;
	struct watch *w = &p->watch[lane];
	char message[MESSAGE];
	int n;

	describe(message, p, w, status);
	n = snprintf(out, MESSAGE + 32, "%s%c%s%c%c",
	    w->killed || status == -ENGINE_NOMEM ? "timeout" : "filter",
	    '\0', message, '\0', '\0');
	s->made[done] = (struct made){
		.turn = b->turn, .at = at, .len = n > 0 ? (uint64_t)n : 0,
		.rejected = true
	};
	s->len = at + s->made[done].len;
	s->done = done + 1;
	if (done + 1 == b->n)
		s->state = SLOT_DONE;
}

static int
died(struct pool *p, const struct event *v, struct err *e)
{
	struct watch *w = &p->watch[v->lane];
	unsigned int number = 0;
	struct slot *s = current(p, v->lane, &number);
	const struct batch *b = &p->shared->lane[v->lane].batch[number];
	uint32_t done = s != NULL ? s->done : 0;

	/* Ours may come when the worker has just gone on to another record,
	 * which then runs again. */
	bool late = s != NULL && w->killed &&
	    (b->turn != w->turn || s->begun != w->begun);

	if (late) {
		w->strikes = 0;
	} else if (s != NULL && s->begun > done && done < b->n) {
		blame(p, v->lane, number, done, v->status);
		w->strikes = 0;
	} else if (v->status != 0 && ++w->strikes > STRIKES) {
		return err_set(e, ERR_RETRY, true, "the filter's process "
		    "dies before it takes a record: signal %d", v->status);
	}
	w->killed = false;
	w->waited = 0;
	return pool_start(p, v->lane, e);
}

static int
take_event(struct pool *p, const struct event *v, struct err *e)
{
	switch (v->kind) {
	case EVENT_COMPILED:
		p->compiled = true;
		return 0;
	case EVENT_REFUSED:
		*e = p->shared->compile;
		return -1;
	case EVENT_DONE:
		p->watch[v->lane].strikes = 0;
		return 0;
	case EVENT_DIED:
		return died(p, v, e);
	case EVENT_FORK:
		return err_set(e, ERR_IO, true, "fork: %s",
		    strerror(v->status));
	}
	return err_set(e, ERR_BUG, false, "event %d", (int)v->kind);
}

static int
keeper_gone(struct pool *p, struct err *e)
{
	int status = 0, sig;

	if (waitpid(p->keeper, &status, 0) == p->keeper)
		p->keeper = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return err_set(e, ERR_RETRY, true, "the filter's process "
		    "lacks memory or descriptors");
	sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (!p->compiled && sig != SIGKILL)     /* no fault of the filter */
		return err_set(e, ERR_CONFIG, false, "the process that "
		    "compiles the filter died: signal %d", sig);
	return err_set(e, ERR_RETRY, true, "the filter's process was killed: "
	    "signal %d", sig);
}

int
pool_events(struct pool *p, struct err *e)
{
	struct event v[32];
	ssize_t n = read(p->events, v, sizeof(v));

	if (n == -1 && errno == EINTR)
		return 0;
	if (n == -1)
		return err_errno(e, ERR_IO, "events");
	if (n == 0)
		return keeper_gone(p, e);
	for (size_t i = 0; i < (size_t)n / sizeof(v[0]); i++)
		if (take_event(p, &v[i], e) == -1)
			return -1;
	return 0;
}

int64_t
pool_tick(const struct pool *p)
{
	int64_t tick = (int64_t)p->conf->time_limit / 8;

	if (tick == 0 || tick > TICK_MAX)
		return TICK_MAX;
	return tick < TICK_MIN ? TICK_MIN : tick;
}

/* Time counts by short ticks that we saw pass: neither our own waiting for
 * the reader of our output nor a stopped process (SIGSTOP) is the filter's. */
void
pool_look(struct pool *p)
{
	int64_t now = clock_ms(), tick = pool_tick(p), gone = now - p->looked;

	p->looked = now;
	if (gone > 2 * tick)
		gone = tick;
	for (unsigned int i = 0; i < p->shared->lanes; i++) {
		struct watch *w = &p->watch[i];
		unsigned int number = 0;
		const struct slot *s = current(p, i, &number);
		uint64_t turn = p->shared->lane[i].batch[number].turn;

		if (s == NULL || s->begun == s->done || w->turn != turn ||
		    w->begun != s->begun) {
			w->waited = 0;
			w->turn = s != NULL ? turn : 0;
			w->begun = s != NULL ? s->begun : 0;
			continue;
		}
		w->waited += gone;
		if (p->conf->time_limit == 0 || w->killed ||
		    w->waited < (int64_t)p->conf->time_limit)
			continue;
		w->killed = true;
		(void)kill(p->shared->lane[i].pid, SIGKILL);
	}
}
