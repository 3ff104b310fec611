#include "pool_impl.h"

#include "base/clock.h"
#include "base/wait.h"

#include <string.h>

bool
pool_room(const struct pool *p)
{
	/* A large record takes room enough alone. */
	if (p->filling > p->emptying &&
	    pool_slot(p, p->filling - 1)->in_len > SLOT_SPILL)
		return false;
	return p->filling - p->emptying <
	    (uint64_t)p->shared->lanes * SLOTS;
}

bool
pool_idle(const struct pool *p)
{
	return p->filling == p->emptying &&
	    pool_slot(p, p->filling)->n == 0;
}

void
pool_add(struct pool *p, const struct line *l)
{
	struct slot *s = pool_slot(p, p->filling);
	char *in = slot_in(p->shared, pool_lane(p, p->filling),
	    pool_slot_number(p, p->filling));
	struct entry *t = &s->entry[s->n++];

	memcpy(in + s->in_len, l->data, l->len);
	t->in = (uint32_t)s->in_len;
	t->in_len = (uint32_t)l->len;
	t->number = l->number;
	t->offset = l->offset;
	s->in_len += l->len;
	if (s->n == SLOT_RECORDS || s->in_len >= SLOT_BYTES)
		pool_submit(p);
}

void
pool_submit(struct pool *p)
{
	struct slot *s;

	if (!pool_room(p) || (s = pool_slot(p, p->filling))->n == 0)
		return;
	s->turn = p->filling;
	s->state = SLOT_FULL;
	pool_ring(p, pool_lane(p, p->filling));
	p->filling++;
}

int
pool_wait(struct pool *p, int fd, struct err *e)
{
	struct pollfd fds[2] = {
		{ .fd = p->events, .events = POLLIN },
		{ .fd = fd, .events = POLLIN }
	};
	int n = wait_fds(fds, fd == -1 ? 1 : 2, (int)pool_tick(p));

	if (n > 0 && fds[0].revents != 0 && pool_events(p, e) == -1)
		return -1;
	pool_look(p);
	return 0;
}

static void
slot_clear(struct pool *p, struct slot *s)
{
	slot_trim(p->shared, pool_lane(p, p->emptying),
	    pool_slot_number(p, p->emptying));
	s->n = 0;
	s->in_len = s->out_len = 0;
	s->begun = s->done = 0;
	s->state = SLOT_FREE;
	p->emptying++;
	p->emitted = 0;
}

static void
result_fill(const struct pool *p, const struct entry *t, struct result *r)
{
	unsigned int lane = pool_lane(p, p->emptying);
	unsigned int slot = pool_slot_number(p, p->emptying);

	*r = (struct result){
		.line = slot_in(p->shared, lane, slot) + t->in,
		.line_len = t->in_len,
		.number = t->number, .offset = t->offset,
		.outputs = t->outputs,
		.text = slot_out(p->shared, lane, slot) + t->out,
		.text_len = t->out_len
	};
	if (!t->rejected) {
		if (p->emitted == pool_slot(p, p->emptying)->n)
			slot_trim_in(p->shared, lane, slot);
		return;
	}
	r->outputs = 0;
	r->code = r->text;
	r->message = r->code + strlen(r->code) + 1;
	r->pointer = r->message + strlen(r->message) + 1;
}

bool
pool_next(struct pool *p, struct result *r)
{
	while (p->emptying < p->filling) {
		struct slot *s = pool_slot(p, p->emptying);
		bool full = s->state == SLOT_FULL;

		if (p->emitted < s->done) {
			result_fill(p, &s->entry[p->emitted++], r);
			return true;
		}
		if (full)
			return false;
		if (s->done == s->n) {
			slot_clear(p, s);
			continue;
		}
		s->out_len = 0;
		s->state = SLOT_FULL;
		pool_ring(p, pool_lane(p, p->emptying));
		return false;
	}
	return false;
}
