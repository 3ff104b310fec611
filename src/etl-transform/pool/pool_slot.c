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

bool
pool_may_take_next_line(const struct pool *p)
{
	/* If the slot that was submitted last has more than 1 MiB of lines, it
	 * holds a large record. All results must then be taken before the pool
	 * accepts another line, so that few large records are in memory at the
	 * same time. */
	if (p->filling > p->emptying &&
	    pool_slot_lines(p, p->filling - 1)->len > SLOT_OUTPUT_PAUSE)
		return false;
	return p->filling - p->emptying <
	    (uint64_t)p->shared->lanes * SLOTS;
}

bool
pool_is_empty(const struct pool *p)
{
	return p->filling == p->emptying &&
	    pool_slot_lines(p, p->filling)->n == 0;
}

void
pool_add_line_and_submit_full_slot(struct pool *p, const struct line *l)
{
	struct slot_lines *lines = pool_slot_lines(p, p->filling);
	char *in = slot_input(p->shared, pool_lane_of_turn(p, p->filling),
	    pool_slot_number(p, p->filling));

	memcpy(in + lines->len, l->data, l->len);
	lines->line[lines->n].at = (uint32_t)lines->len;
	lines->line[lines->n].len = (uint32_t)l->len;
	lines->line[lines->n].number = l->number;
	lines->line[lines->n].offset = l->offset;
	lines->n++;
	lines->len += l->len;
	if (lines->n == SLOT_RECORDS || lines->len >= SLOT_BYTES)
		pool_submit_slot_unless_empty(p);
}

void
pool_submit_slot_unless_empty(struct pool *p)
{
	struct slot_lines *lines = pool_slot_lines(p, p->filling);

	if (!pool_may_take_next_line(p) || lines->n == 0)
		return;
	lines->turn = p->filling;
	pool_slot(p, p->filling)->state = SLOT_FULL;
	pool_wake_worker(p, pool_lane_of_turn(p, p->filling));
	p->filling++;
}

int
pool_wait_and_handle_events(struct pool *p, int input_fd, struct err *e)
{
	struct pollfd fds[2] = {
		{ .fd = p->events, .events = POLLIN },
		{ .fd = input_fd, .events = POLLIN }
	};
	int n = wait_fds_or_stop(fds, input_fd == -1 ? 1 : 2,
	    (int)pool_time_check_interval_ms(p));

	if (n > 0 && fds[0].revents != 0 &&
	    pool_read_and_handle_events(p, e) == -1)
		return -1;
	pool_kill_workers_over_time_limit(p);
	return 0;
}

/* Makes the whole output memory of the slot free again. The caller has taken
 * and written all results in it. */
static void
discard_slot_output(struct pool *p, struct slot *s)
{
	slot_release_large_output(p->shared, pool_lane_of_turn(p, p->emptying),
	    pool_slot_number(p, p->emptying));
	s->len = 0;
}

static void
empty_slot_and_go_to_next(struct pool *p)
{
	struct slot_lines *lines = pool_slot_lines(p, p->emptying);
	struct slot *s = pool_slot(p, p->emptying);

	slot_release_large_input(p->shared, pool_lane_of_turn(p, p->emptying),
	    pool_slot_number(p, p->emptying));
	discard_slot_output(p, s);
	lines->n = 0;
	lines->len = 0;
	s->begun = s->done = 0;
	s->state = SLOT_FREE;
	p->emptying++;
	p->results_taken = 0;
}

/* Checks where a worker says that it has written the result of a record. A
 * worker can write to all of its output memory, and a bug in libjq can make it
 * write wrong values. So the result must belong to these lines and lie inside
 * the output memory of the slot. */
static bool
result_place_is_valid(const struct pool *p, const struct result_place *place)
{
	return place->turn == p->emptying && place->at <= p->shared->out_max &&
	    place->len <= p->shared->out_max - place->at;
}

/* Copies the code, the message and the JSON Pointer of a reject, which a worker
 * writes as three strings one after the other, each with a NUL. Three NULs are
 * added, so that strlen() stops inside the copy even if the worker wrote
 * none. */
static void
copy_and_split_reject_into_result(
    struct pool *p, struct result *r, const char *text, size_t len)
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
copy_outputs_to_private_memory(struct pool *p, const char *out, size_t len,
    struct err *e)
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
outputs_have_a_mark(const struct buf *outputs)
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
get_reject_if_outputs_are_bad(const struct buf *outputs, size_t *len)
{
	static const char mark[] =
	    "reserved\0" "the worker process that runs the filter wrote a line "
	    "that begins with the member @etl, which is reserved for marks";

	*len = sizeof(damaged);
	if (outputs->len > 0 && outputs->data[outputs->len - 1] != '\n')
		return damaged;
	*len = sizeof(mark);
	return outputs->len > 0 && outputs_have_a_mark(outputs) ? mark : NULL;
}

static int
fill_checked_result_or_reject(
    struct pool *p, uint32_t i, struct result *r, struct err *e)
{
	unsigned int lane = pool_lane_of_turn(p, p->emptying);
	unsigned int slot = pool_slot_number(p, p->emptying);
	const struct slot_lines *lines = pool_slot_lines(p, p->emptying);
	/* Check and use a copy of the place: the worker could change the place
	 * in the shared memory between the check and the use. */
	const struct result_place place =
	    pool_slot(p, p->emptying)->result_place[i];
	const char *out = slot_output(p->shared, lane, slot);
	const char *fault;
	size_t n;

	*r = (struct result){
		.line = slot_input(p->shared, lane, slot) + lines->line[i].at,
		.line_len = lines->line[i].len,
		.number = lines->line[i].number,
		.offset = lines->line[i].offset,
	};
	if (!result_place_is_valid(p, &place)) {
		copy_and_split_reject_into_result(
		    p, r, damaged, sizeof(damaged));
	} else if (place.rejected) {
		copy_and_split_reject_into_result(
		    p, r, out + place.at, place.len);
	} else if (copy_outputs_to_private_memory(p, out + place.at, place.len,
	    e) == -1) {
		return -1;
	} else if ((fault = get_reject_if_outputs_are_bad(&p->outputs, &n)) !=
	    NULL) {
		copy_and_split_reject_into_result(p, r, fault, n);
	} else {
		r->text = p->outputs.data;
		r->text_len = p->outputs.len;
		/* The caller needs the line only for a reject, so after the
		 * last record the memory of large lines is freed early. */
		if (i + 1 == lines->n)
			slot_release_large_input(p->shared, lane, slot);
	}
	return 1;
}

int
pool_take_next_result(struct pool *p, struct result *r, struct err *e)
{
	while (p->emptying < p->filling) {
		struct slot *s = pool_slot(p, p->emptying);
		uint32_t n = pool_slot_lines(p, p->emptying)->n;
		/* Read the state before s->done: if the worker has stopped,
		 * s->done does not grow after that. */
		bool running = s->state == SLOT_FULL;

		if (p->results_taken < s->done && p->results_taken < n)
			return fill_checked_result_or_reject(
			    p, p->results_taken++, r, e);
		if (running)
			return 0;
		if (p->results_taken == n) {
			empty_slot_and_go_to_next(p);
			continue;
		}
		/* The worker stopped before the last line, because it had
		 * written SLOT_OUTPUT_PAUSE bytes of results. All these results
		 * are taken, so the worker can reuse their memory and run the
		 * other lines. */
		discard_slot_output(p, s);
		s->state = SLOT_FULL;
		pool_wake_worker(p, pool_lane_of_turn(p, p->emptying));
		return 0;
	}
	return 0;
}
