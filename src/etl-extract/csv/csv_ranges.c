#include "csv/csv_ranges.h"

#include <stdlib.h>

enum { RING = AHEAD_JOBS_MAX + 1 };

struct started {
	struct ahead_job *job;
	uint64_t from;
};

struct csv_ranges {
	struct ahead *pool;
	ahead_work *work;
	void *self;
	uint64_t next, size;            /* no child has begun to read from
					 * `next` on */
	bool is_exact;                  /* a record starts at `next` */
	struct ahead_job *taken;        /* its records have been returned by
					 * csv_ranges_take() */
	size_t first, n;                /* the ring of the jobs that were
					 * started */
	struct started ring[RING];
};

int
csv_ranges_open(struct csv_ranges **out, struct ahead *pool,
    ahead_work *work, void *self, uint64_t from, uint64_t size,
    struct err *e)
{
	struct csv_ranges *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->pool = pool;
	r->work = work;
	r->self = self;
	r->next = from;
	r->size = size;
	r->is_exact = true;
	*out = r;
	return 0;
}

static struct started *
get_first(struct csv_ranges *r)
{
	return &r->ring[r->first];
}

static void
drop_first_job(struct csv_ranges *r)
{
	r->first = (r->first + 1) % RING;
	r->n--;
}

void
csv_ranges_close(struct csv_ranges *r)
{
	if (r == NULL)
		return;
	ahead_kill(r->pool, r->self);
	free(r);
}

/* Gives parts of the file to children, as many as they can take. `at` is the
 * offset that the reader has reached. */
static void
start_children(struct csv_ranges *r, uint64_t at)
{
	struct ahead_task t;
	struct ahead_job *j;

	/* If no child was free for a time, the reader has read past r->next by
	 * itself. Do not start children before the reader's place. */
	if (r->next < at) {
		r->next = at;
		r->is_exact = true;
	}
	while (r->next < r->size && r->n < RING) {
		t.from = r->next;
		t.is_exact = r->is_exact;
		t.to = r->size - r->next < AHEAD_INPUT ? r->size :
		    r->next + AHEAD_INPUT;
		if ((j = ahead_start(r->pool, r->work, r->self, &t)) == NULL)
			return;
		r->ring[(r->first + r->n++) % RING] =
		    (struct started){ j, t.from };
		r->next = t.to;
		r->is_exact = false;
	}
}

const struct ahead_output *
csv_ranges_take(struct csv_ranges *r, uint64_t at)
{
	const struct ahead_output *o = NULL;

	if (r->taken != NULL)
		ahead_release(r->taken);
	r->taken = NULL;
	start_children(r, at);
	while (o == NULL && r->n > 0 && get_first(r)->from <= at) {
		struct ahead_job *j = get_first(r)->job;

		drop_first_job(r);
		o = ahead_wait(j);
		if (o != NULL && o->begin == at && o->end > at) {
			r->taken = j;
		} else {
			ahead_release(j);
			o = NULL;
		}
	}
	return o;
}
