#include "each_input.h"

#include <stdlib.h>
#include <unistd.h>

struct held_line {
	struct line line;
	struct buf bytes;
	enum { NOT_KNOWN, HAS_REQUEST, HAS_NONE } request;
};

int
each_input_open(struct each_input *i, struct stage *s,
    const struct extract_opts *o, struct err *e)
{
	*i = (struct each_input){ .stage = s, .behind = STAGE_WAIT };
	if (o->jobs <= 1)
		return 0;
	if ((i->held = calloc(o->jobs, sizeof(*i->held))) == NULL)
		return err_nomem(e);
	i->cap = o->jobs;
	for (size_t k = 0; k < i->cap; k++)
		buf_init(&i->held[k].bytes, o->max_record + LINES_KEPT);
	return 0;
}

void
each_input_release(struct each_input *i)
{
	for (size_t k = 0; k < i->cap; k++)
		buf_release(&i->held[k].bytes);
	free(i->held);
}

static struct held_line *
get_held_line(const struct each_input *i, size_t n)
{
	return &i->held[(i->first + n) % i->cap];
}

/* Stores a copy of the line in the ring. If the place in the ring has the
 * memory of a large line, that memory is freed first, because most lines are
 * short. */
static void
hold_line(struct each_input *i, const struct line *l, struct err *e)
{
	struct held_line *to = get_held_line(i, i->n);

	if (to->bytes.cap > LINES_KEPT)
		buf_release(&to->bytes);
	buf_clear(&to->bytes);
	buf_add(&to->bytes, l->data, l->len);
	to->line = *l;
	to->line.data = buf_text(&to->bytes);
	to->request = NOT_KNOWN;
	if (buf_check(&to->bytes, e) == -1)
		i->behind = STAGE_FAILED;
	else
		i->n++;
}

/* Reads one line of the input. Stores a record in the ring, and a mark, the end
 * or a failure in i->behind. */
static void
store_next_line(struct each_input *i, int timeout)
{
	struct line l;
	enum stage_item got = stage_next(i->stage, &l, timeout, &i->why);

	if (got == STAGE_RECORD)
		hold_line(i, &l, &i->why);
	else
		i->behind = got;
	if (got == STAGE_MARK)
		i->mark = l;
}

/* True if the ring has room and neither a mark nor the end of the input waits
 * behind its lines. */
static bool
may_read_line(const struct each_input *i)
{
	return i->behind == STAGE_WAIT && i->n < i->cap;
}

/* Reads the lines that are available now, as far as the ring has room for them.
 * Does not wait for input. */
static void
read_available(struct each_input *i)
{
	size_t before;

	do {
		before = i->n;
		if (may_read_line(i))
			store_next_line(i, 0);
	} while (i->n > before);
}

static void
drop_current(struct each_input *i)
{
	if (!i->has_present)
		return;
	i->first = (i->first + 1) % i->cap;
	i->n--;
	i->has_present = false;
}

enum stage_item
each_input_next(struct each_input *i, struct line *l, struct err *e)
{
	enum stage_item got;

	if (i->held == NULL)
		return stage_next(i->stage, l, -1, e);
	drop_current(i);
	if (i->n == 0 && i->behind == STAGE_WAIT)
		store_next_line(i, -1);
	if (i->n > 0) {
		read_available(i);
		i->has_present = true;
		*l = get_held_line(i, 0)->line;
		return STAGE_RECORD;
	}
	got = i->behind;
	i->behind = STAGE_WAIT;
	*l = i->mark;
	*e = i->why;
	return got;
}

/* Returns the n-th request that follows the request of the current record.
 * Skips records that will be rejected without a request. Returns NULL if the
 * request is not known yet. */
static const struct request *
find_upcoming(void *self, uint64_t n)
{
	struct each_input *i = self;
	const struct request *r = NULL;
	struct held_line *h;

	read_available(i);
	for (size_t k = 1; k < i->n; k++) {
		h = get_held_line(i, k);
		if (h->request == NOT_KNOWN ||
		    (h->request == HAS_REQUEST && n == 1)) {
			r = i->make(i->self, &h->line);
			h->request = r != NULL ? HAS_REQUEST : HAS_NONE;
		}
		if (h->request == HAS_REQUEST && n-- == 1)
			return r;
	}
	return NULL;
}

/* Returns standard input if more lines are wanted now, else -1. */
static int
find_wanted_input(void *self)
{
	return may_read_line(self) ? STDIN_FILENO : -1;
}

void
each_input_send_early(struct each_input *i, struct fetch *f,
    each_make_request *make, void *self)
{
	const struct upcoming u = { find_upcoming,
	    find_wanted_input, i };

	i->make = make;
	i->self = self;
	fetch_set_upcoming(f, &u);
}
