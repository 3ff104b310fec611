#include "pool/pool_impl.h"

#include "base/wait.h"

#include <string.h>

bool
pool_room(const struct pool *p)
{
	/* A large record takes room enough alone. */
	if (p->filling > p->emptying &&
	    pool_batch(p, p->filling - 1)->len > SLOT_SPILL)
		return false;
	return p->filling - p->emptying <
	    (uint64_t)p->shared->lanes * SLOTS;
}

bool
pool_idle(const struct pool *p)
{
	return p->filling == p->emptying &&
	    pool_batch(p, p->filling)->n == 0;
}

void
pool_add(struct pool *p, const struct line *l)
{
	struct batch *b = pool_batch(p, p->filling);
	char *in = slot_in(p->shared, pool_lane(p, p->filling),
	    pool_slot_number(p, p->filling));

	memcpy(in + b->len, l->data, l->len);
	b->line[b->n].at = (uint32_t)b->len;
	b->line[b->n].len = (uint32_t)l->len;
	b->line[b->n].number = l->number;
	b->line[b->n].offset = l->offset;
	b->n++;
	b->len += l->len;
	if (b->n == SLOT_RECORDS || b->len >= SLOT_BYTES)
		pool_submit(p);
}

void
pool_submit(struct pool *p)
{
	struct batch *b;

	if (!pool_room(p) || (b = pool_batch(p, p->filling))->n == 0)
		return;
	b->turn = p->filling;
	pool_slot(p, p->filling)->state = SLOT_FULL;
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

/* All that was made has been taken. */
static void
slot_empty(struct pool *p, struct slot *s)
{
	slot_trim_out(p->shared, pool_lane(p, p->emptying),
	    pool_slot_number(p, p->emptying));
	s->len = 0;
}

static void
slot_clear(struct pool *p)
{
	struct batch *b = pool_batch(p, p->emptying);
	struct slot *s = pool_slot(p, p->emptying);

	slot_trim_in(p->shared, pool_lane(p, p->emptying),
	    pool_slot_number(p, p->emptying));
	slot_empty(p, s);
	b->n = 0;
	b->len = 0;
	s->begun = s->done = 0;
	s->state = SLOT_FREE;
	p->emptying++;
	p->emitted = 0;
}

/* A worker that went mad may have written anything. */
static bool
made_ok(const struct pool *p, const struct made *m, const char *out)
{
	return m->turn == p->emptying && m->at <= p->shared->out_max &&
	    m->len <= p->shared->out_max - m->at && (m->rejected ||
	    m->len == 0 || out[m->at + m->len - 1] == '\n');
}

/* Three texts, whatever stands there. */
static void
result_reject(struct pool *p, struct result *r, const char *text, size_t len)
{
	if (len > REJECT_MAX - 3)
		len = REJECT_MAX - 3;
	memcpy(p->reject, text, len);
	memset(p->reject + len, 0, 3);
	r->code = p->reject;
	r->message = r->code + strlen(r->code) + 1;
	r->pointer = r->message + strlen(r->message) + 1;
}

static void
result_fill(struct pool *p, uint32_t i, struct result *r)
{
	static const char damaged[] =
	    "filter\0" "the filter's process damaged its memory";
	unsigned int lane = pool_lane(p, p->emptying);
	unsigned int slot = pool_slot_number(p, p->emptying);
	const struct batch *b = pool_batch(p, p->emptying);
	const struct made m = pool_slot(p, p->emptying)->made[i];
	const char *out = slot_out(p->shared, lane, slot);

	*r = (struct result){
		.line = slot_in(p->shared, lane, slot) + b->line[i].at,
		.line_len = b->line[i].len,
		.number = b->line[i].number, .offset = b->line[i].offset,
	};
	if (!made_ok(p, &m, out)) {
		result_reject(p, r, damaged, sizeof(damaged));
	} else if (m.rejected) {
		result_reject(p, r, out + m.at, m.len);
	} else {
		r->text = out + m.at;
		r->text_len = m.len;
		if (i + 1 == b->n)
			slot_trim_in(p->shared, lane, slot);
	}
}

bool
pool_next(struct pool *p, struct result *r)
{
	while (p->emptying < p->filling) {
		struct slot *s = pool_slot(p, p->emptying);
		uint32_t n = pool_batch(p, p->emptying)->n;
		bool full = s->state == SLOT_FULL;

		if (p->emitted < s->done && p->emitted < n) {
			result_fill(p, p->emitted++, r);
			return true;
		}
		if (full)
			return false;
		if (p->emitted == n) {
			slot_clear(p);
			continue;
		}
		slot_empty(p, s);
		s->state = SLOT_FULL;
		pool_ring(p, pool_lane(p, p->emptying));
		return false;
	}
	return false;
}
