#include "pool/worker.h"

#include "json/pointer.h"
#include "json/write.h"
#include "stream/mark.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A worker process whose peak memory has grown by this much exits and is
 * replaced by another process, because libjq leaks a little memory with some
 * errors, and a huge record fragments the heap. */
enum { MAX_GROWTH_KIB = 64 << 10 };

struct worker {
	const struct worker_conf *c;
	unsigned int lane;
	void *engine;
	struct json json;
	struct outcome outcome;
	long start_kib;
};

/* Applies --memory-limit with setrlimit(RLIMIT_AS). The address space that is
 * already in use is added to the limit, because the shared memory and the
 * compiled filter do not count as memory of the filter. */
static void
limit_memory(uint64_t limit)
{
	struct rlimit r;
	unsigned long long pages = 0;
	FILE *f;

	if (limit == 0)
		return;
	if ((f = fopen("/proc/self/statm", "re")) != NULL) {
		if (fscanf(f, "%llu", &pages) != 1)
			pages = 0;
		(void)fclose(f);
	}
	if (pages == 0)
		return;
	r.rlim_cur = pages * (unsigned long long)sysconf(_SC_PAGESIZE) + limit;
	r.rlim_max = r.rlim_cur;
	(void)setrlimit(RLIMIT_AS, &r);
}

static void
add_name_to_pointer(struct buf *b, const struct json *j, uint32_t name)
{
	struct buf text, part;

	buf_init(&text, UINT32_MAX);
	buf_init(&part, UINT32_MAX);
	json_unescape(&text, j, name);
	pointer_put_part(&part, text.data, text.len);
	outcome_put_text(b, part.data, part.len);
	b->failed |= text.failed | part.failed;
	buf_release(&text);
	buf_release(&part);
}

/* Searches the value at token i for the first string with half of a
 * surrogate pair (such as "\ud800" alone), because libjq would silently
 * replace it by another character. Returns true if there is one and appends
 * the JSON Pointer of the string to `pointer`. If the string is a member
 * name, the pointer is that of the object. */
static bool
find_lone_surrogate(const struct json *j, uint32_t i, struct buf *pointer)
{
	const struct json_tok *tok = j->tok;
	size_t len = pointer->len;
	uint32_t n = 0;

	if (tok[i].type == JSON_STRING)
		return tok[i].flags & JSON_LONE;
	if (tok[i].type < JSON_ARRAY)
		return false;
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k].next) {
		if (tok[i].type == JSON_OBJECT) {
			if (tok[k].flags & JSON_LONE)
				return true;
			add_name_to_pointer(pointer, j, k++);
		} else {
			buf_printf(pointer, "/%u", n++);
		}
		if (find_lone_surrogate(j, k, pointer))
			return true;
		pointer->len = len;
	}
	return false;
}

/* Parses the line. Returns true if it is a record that the filter can run on.
 * Otherwise sets code and message of a reject in w->outcome and returns
 * false. */
static bool
parse_line(struct worker *w, const char *p, size_t n)
{
	struct outcome *o = &w->outcome;
	struct json_fault f = { .code = NULL };
	char why[192];

	if (json_scan(&w->json, p, n, JSON_LEVELS_ALL, w->c->dup, &f) == -1) {
		if (f.nomem)
			_exit(ENGINE_NOMEM);
		json_fault_text(why, sizeof(why), &f);
		outcome_reject(o, f.code, "%s", why);
	} else if (w->json.tok[0].type != JSON_OBJECT) {
		outcome_reject(o, "type", "the record is %s, not an object",
		    json_type_name(w->json.tok[0].type));
	} else if (w->c->plain && is_mark_line(p, n)) {
		outcome_reject(o, "reserved",
		    "a record may not begin with the member @etl: this member "
		    "is reserved for marks");
	} else if (w->json.flags & JSON_LONE) {
		outcome_reject(o, "encoding", "a string has half of a "
		    "surrogate pair, which is no character");
		(void)find_lone_surrogate(&w->json, 0, &o->pointer);
	} else {
		return true;
	}
	return false;
}

/* Prepares the result of a rejected record: empties o->out, which may have
 * outputs of the filter, and writes the code of the reject, its message and its
 * JSON Pointer there, each with a NUL. The parent reads them from there. */
static void
write_reject_fields(struct outcome *o)
{
	buf_clear(&o->out);
	buf_add(&o->out, o->code, strlen(o->code) + 1);
	buf_add(&o->out, o->message.data, o->message.len);
	buf_char(&o->out, '\0');
	buf_add(&o->out, o->pointer.data, o->pointer.len);
	buf_char(&o->out, '\0');
}

/* Runs the filter on record i of the slot, and stores its result for the
 * parent. */
static void
run_record(struct worker *w, struct slot *s, unsigned int k, uint32_t i)
{
	struct shared *m = w->c->shared;
	const struct slot_lines *b = slot_lines(m, w->lane, k);
	const char *line = slot_input(m, w->lane, k) + b->line[i].at;
	struct outcome *o = &w->outcome;
	struct result_place *place = &s->result_place[i];
	uint64_t at = s->len;

	/* The filter writes its outputs directly into the shared memory, after
	 * the `at` bytes of earlier results. buf_add() would reallocate a
	 * buffer whose cap is less than max, so both are equal. `at` is less
	 * than SLOT_OUTPUT_PAUSE here, so the memory has the same room for
	 * every record: out_max - SLOT_OUTPUT_PAUSE bytes. */
	o->out = (struct buf){
		.data = slot_output(m, w->lane, k) + at,
		.cap = m->out_max - SLOT_OUTPUT_PAUSE,
		.max = m->out_max - SLOT_OUTPUT_PAUSE
	};
	outcome_clear(o);
	if (parse_line(w, line, b->line[i].len))
		w->c->engine->run(w->engine, &w->json, o);
	if ((o->message.failed && !o->message.full) ||
	    (o->pointer.failed && !o->pointer.full))
		_exit(ENGINE_NOMEM);
	if (o->code[0] != '\0')
		write_reject_fields(o);
	/* The parent reads the place after s->done, which is stored with
	 * memory_order_release. */
	atomic_store_explicit(&place->turn, b->turn, memory_order_relaxed);
	atomic_store_explicit(&place->at, at, memory_order_relaxed);
	atomic_store_explicit(&place->len, o->out.len, memory_order_relaxed);
	atomic_store_explicit(&place->rejected, o->code[0] != '\0',
	    memory_order_relaxed);
	atomic_store_explicit(&s->len, at + o->out.len, memory_order_relaxed);
}

/* Tells the parent that a slot is done. If the pipe is full, the parent has
 * bytes to read, so EAGAIN is ignored. */
static void
notify_parent(const struct worker *w)
{
	while (write(w->c->ready, "", 1) == -1 && errno != EAGAIN)
		if (errno != EINTR)
			_exit(EX_OSERR);        /* the parent has exited */
}

static void
run_slot(struct worker *w, unsigned int k)
{
	struct slot *s = slot_at(w->c->shared, w->lane, k);
	uint32_t n = slot_lines(w->c->shared, w->lane, k)->n;
	uint32_t i = s->done;

	for (; i < n && s->len < SLOT_OUTPUT_PAUSE; i++) {
		atomic_store_explicit(&s->begun, i + 1, memory_order_release);
		run_record(w, s, k, i);
		atomic_store_explicit(&s->done, i + 1, memory_order_release);
	}
	s->state = SLOT_DONE;
	notify_parent(w);
}

/* Finds the slot that was submitted first among those that wait for this
 * worker. */
static bool
find_oldest_slot(const struct worker *w, unsigned int *k)
{
	const struct slot_lines *b = slot_lines(w->c->shared, w->lane, 0);
	const struct slot *s = slot_at(w->c->shared, w->lane, 0);
	bool found = false;

	for (unsigned int i = 0; i < SLOTS; i++)
		if (s[i].state == SLOT_FULL &&
		    (!found || b[i].turn < b[*k].turn)) {
			*k = i;
			found = true;
		}
	return found;
}

static long
peak_memory_kib(void)
{
	struct rusage u;

	return getrusage(RUSAGE_SELF, &u) == 0 ? u.ru_maxrss : 0;
}

/* Waits until the parent wakes this worker. Returns false if the parent has
 * closed the pipe: the worker then exits. */
static bool
wait_for_wake_up(const struct worker *w)
{
	char bytes[64];
	ssize_t n;

	do
		n = read(w->c->wake_pipes[w->lane], bytes, sizeof(bytes));
	while (n == -1 && errno == EINTR);
	return n > 0;
}

/* Leaves this process nothing of the keeper and of other lanes: only the
 * standard descriptors and its two pipes, its own results, and the input, which
 * the keeper has made read-only. */
static int
give_up_others(const struct worker_conf *c, unsigned int lane)
{
	(void)close(c->commands);
	(void)close(c->events);
	for (unsigned int i = 0; i < c->shared->lanes; i++)
		if (i != lane)
			(void)close(c->wake_pipes[i]);
	return shared_keep_lane(c->shared, lane);
}

void
worker_run(const struct worker_conf *c, unsigned int lane, void *engine,
    struct sandbox *sandbox)
{
	struct worker w = {
		.c = c, .lane = lane, .engine = engine,
		.start_kib = peak_memory_kib()
	};
	struct sandbox_state in_force;
	unsigned int k = 0;

	if (give_up_others(c, lane) == -1)
		_exit(EX_OSERR);
	limit_memory(c->memory);
	if (sandbox_enter(sandbox, &in_force) == -1)
		_exit(EX_OSERR);
	outcome_init(&w.outcome);
	do {
		while (find_oldest_slot(&w, &k))
			run_slot(&w, k);
	} while (peak_memory_kib() < w.start_kib + MAX_GROWTH_KIB &&
		 wait_for_wake_up(&w));
	outcome_release(&w.outcome);
	json_release(&w.json);
	c->engine->free(engine);
	sandbox_free(sandbox);
	exit(0);
}
