/* This file copies input lines into the shared memory for the workers and takes
 * the results from there. A slot holds up to SLOT_RECORDS lines and their
 * results. The slots are used one after the other, again and again. Each time a
 * slot is filled it gets a number, its turn, counted from 0. p->filling is the
 * turn of the slot to which the next line is added, p->emptying the turn of the
 * slot whose results are taken next. The slots of the turns from emptying to
 * filling - 1 belong to workers. */
#include "pool/pool_impl.h"

#include "base/wait.h"
#include "stream/mark.h"

#include <string.h>
#include <unistd.h>

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

/* What a worker writes to this pipe means nothing: it has only woken the
 * parent. */
static void
drain_ready(const struct pool *p)
{
	char bytes[4096];

	(void)!read(p->ready, bytes, sizeof(bytes));
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

	if (n > 0 && fds[1].revents != 0)
		drain_ready(p);
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

static void
fill_lost_record(struct pool *p, const struct pool_slot *b, uint32_t i,
    struct result *r)
{
	char text[LOSS_TEXT] = "";

	copy_reject(p, r, text, pool_write_loss(p, b->lost[i].loss,
	    b->lost[i].status, text, sizeof(text)));
}

/* Sets *r to the result of line i. If the worker wrote something wrong, it
 * becomes a reject. */
static int
fill_result(struct pool *p, uint32_t i, struct result *r, struct err *e)
{
	struct pool_slot *b = slot_of_turn(p, p->emptying);
	const struct place place = load_place(&b->shared->result_place[i]);
	const char *fault;
	size_t n;

	*r = (struct result){
		.line = b->input + b->line[i].at,
		.line_len = b->line[i].len,
		.number = b->line[i].number,
		.offset = b->line[i].offset,
	};
	if (b->has_lost && b->lost[i].loss != LOSS_NONE) {
		fill_lost_record(p, b, i, r);
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
