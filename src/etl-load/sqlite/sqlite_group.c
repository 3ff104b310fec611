#include "sqlite/sqlite_sink.h"

#include "sqlite/sqlite_sql.h"

#include <stdlib.h>

/* Running a statement takes SQLite about as long as inserting a short row. So
 * one statement inserts a group of short records. */
enum {
	RECORD_MAX = 4096,
	WORTH = 4               /* a group that stores this part of its records
	                         * has saved time */
};

/* True if one statement for several records has the same effect as one
 * statement for each record. False if the loader needs the state of the table
 * between two records. */
static bool
may_group(const struct lite_store *s)
{
	const struct target *t = s->target;

	return !t->mode->history && !t->mode->changes && !t->table->view &&
	    !t->mapping.sets_values && !s->may_leave_changes;
}

int
lite_group_init(struct lite_sink *s, struct err *e)
{
	struct lite_group *g = &s->group;
	size_t n = s->store.group_records;

	if (n == 0 || !may_group(&s->store))
		return 0;
	if ((g->item = calloc(n, sizeof(*g->item))) == NULL)
		return err_nomem(e);
	g->full = n;
	g->pause = (struct doubling_pause){ .least = 32, .most = 8192 };
	return 0;
}

void
lite_group_clear(struct lite_sink *s)
{
	s->group.n = 0;
	s->store.values = s->store.slots;
}

bool
lite_group_may_take(struct lite_sink *s, size_t record_len)
{
	struct lite_group *g = &s->group;

	if (g->full == 0 || record_len > RECORD_MAX || s->store.careful ||
	    s->store.group_is_unsafe || s->watched ||
	    s->written.insert != NULL)
		return false;
	if (!pause_tick(&g->pause))
		return false;
	/* The values of the group point into this buffer, so it must not be
	 * reallocated when the group grows. If there is no memory, the
	 * conversion of the record reports it. */
	return g->n > 0 ||
	    buf_reserve(&s->store.scratch, g->full * (RECORD_MAX + 1));
}

bool
lite_group_add(struct lite_sink *s, const struct shape *shape, size_t item)
{
	struct lite_group *g = &s->group;

	if (shape->n == 0 || (g->n > 0 && shape != g->shape))
		return false;
	g->shape = shape;
	g->item[g->n++] = (uint32_t)item;
	if (g->n < g->full)
		s->store.values += sqlite_max_values(s->store.target);
	return true;
}

void
lite_group_select(struct lite_sink *s, size_t record)
{
	s->store.values = s->store.slots +
	    record * sqlite_max_values(s->store.target);
}

void
lite_group_pace(struct lite_sink *s, size_t stored)
{
	if (stored >= s->group.full / WORTH)
		pause_reset(&s->group.pause);
	else
		pause_begin(&s->group.pause);
}
