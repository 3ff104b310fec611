#include "pool/pool_impl.h"

#include "base/wait.h"

#include <string.h>

bool
pool_has_room(const struct pool *p)
{
	/* A slot with a large record must be emptied before lines are added,
	 * so that few large records are in memory at the same time. */
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
pool_add_line(struct pool *p, const struct line *l)
{
	struct slot_lines *b = pool_slot_lines(p, p->filling);
	char *in = slot_input(p->shared, pool_lane_of_turn(p, p->filling),
	    pool_slot_number(p, p->filling));

	memcpy(in + b->len, l->data, l->len);
	b->line[b->n].at = (uint32_t)b->len;
	b->line[b->n].len = (uint32_t)l->len;
	b->line[b->n].number = l->number;
	b->line[b->n].offset = l->offset;
	b->n++;
	b->len += l->len;
	if (b->n == SLOT_RECORDS || b->len >= SLOT_BYTES)
		pool_submit_slot(p);
}

void
pool_submit_slot(struct pool *p)
{
	struct slot_lines *b;

	if (!pool_has_room(p) || (b = pool_slot_lines(p, p->filling))->n == 0)
		return;
	b->turn = p->filling;
	pool_slot(p, p->filling)->state = SLOT_FULL;
	pool_wake_worker(p, pool_lane_of_turn(p, p->filling));
	p->filling++;
}

int
pool_wait(struct pool *p, int fd, struct err *e)
{
	struct pollfd fds[2] = {
		{ .fd = p->events, .events = POLLIN },
		{ .fd = fd, .events = POLLIN }
	};
	int n = wait_fds(fds, fd == -1 ? 1 : 2, (int)pool_tick_ms(p));

	if (n > 0 && fds[0].revents != 0 && pool_handle_events(p, e) == -1)
		return -1;
	pool_enforce_time_limit(p);
	return 0;
}

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
	struct slot_lines *b = pool_slot_lines(p, p->emptying);
	struct slot *s = pool_slot(p, p->emptying);

	slot_release_large_input(p->shared, pool_lane_of_turn(p, p->emptying),
	    pool_slot_number(p, p->emptying));
	discard_slot_output(p, s);
	b->n = 0;
	b->len = 0;
	s->begun = s->done = 0;
	s->state = SLOT_FREE;
	p->emptying++;
	p->results_taken = 0;
}

/* Do not trust shared memory: a corrupted worker may have overwritten any
 * field, so check every offset. */
static bool
result_place_is_valid(
    const struct pool *p, const struct result_place *m, const char *out)
{
	return m->turn == p->emptying && m->at <= p->shared->out_max &&
	    m->len <= p->shared->out_max - m->at && (m->rejected ||
	    m->len == 0 || out[m->at + m->len - 1] == '\n');
}

/* Copies code, message and pointer. The three NULs at the end make all three
 * of them strings, whatever the worker has written. */
static void
fill_reject_result(
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

static void
fill_result(struct pool *p, uint32_t i, struct result *r)
{
	static const char damaged[] =
	    "filter\0" "the worker process that runs the filter damaged its "
	    "shared memory: the result of this record is lost";
	unsigned int lane = pool_lane_of_turn(p, p->emptying);
	unsigned int slot = pool_slot_number(p, p->emptying);
	const struct slot_lines *b = pool_slot_lines(p, p->emptying);
	/* A copy: the worker could change the original after the check. */
	const struct result_place m =
	    pool_slot(p, p->emptying)->result_place[i];
	const char *out = slot_output(p->shared, lane, slot);

	*r = (struct result){
		.line = slot_input(p->shared, lane, slot) + b->line[i].at,
		.line_len = b->line[i].len,
		.number = b->line[i].number, .offset = b->line[i].offset,
	};
	if (!result_place_is_valid(p, &m, out)) {
		fill_reject_result(p, r, damaged, sizeof(damaged));
	} else if (m.rejected) {
		fill_reject_result(p, r, out + m.at, m.len);
	} else {
		r->text = out + m.at;
		r->text_len = m.len;
		if (i + 1 == b->n)
			slot_release_large_input(p->shared, lane, slot);
	}
}

bool
pool_take_next_result(struct pool *p, struct result *r)
{
	while (p->emptying < p->filling) {
		struct slot *s = pool_slot(p, p->emptying);
		uint32_t n = pool_slot_lines(p, p->emptying)->n;
		bool full = s->state == SLOT_FULL;

		if (p->results_taken < s->done && p->results_taken < n) {
			fill_result(p, p->results_taken++, r);
			return true;
		}
		if (full)
			return false;
		if (p->results_taken == n) {
			empty_slot_and_go_to_next(p);
			continue;
		}
		discard_slot_output(p, s);
		s->state = SLOT_FULL;
		pool_wake_worker(p, pool_lane_of_turn(p, p->emptying));
		return false;
	}
	return false;
}
