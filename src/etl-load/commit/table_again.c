#include "loader.h"

static int
reopen_table(struct loader *l, struct loaded_table *t, struct err *e)
{
	struct reader *r = &t->outcome.reader;
	struct target new;

	/* If this fails, t->target stays: error messages take the name of the
	 * table from it. */
	if (loader_read_target(l, t, &new, e) == -1) {
		target_close(&new);
		return -1;
	}
	l->sink->close(t->self);
	t->self = NULL;
	target_close(&t->target);
	t->target = new;
	/* Forget these records: the table refused them before it was altered,
	 * so it may accept them now. */
	refusals_clear(&t->outcome.ending);
	reader_close(r);
	return reader_open(r, l->stage, &t->target, l->duplicates, e) == -1 ?
	    -1 : l->sink->open(&t->self, l->db, &t->target, e);
}

int
loader_reopen(struct loader *l, struct err *e)
{
	workers_close(l);
	for (size_t i = 0; i < loader_count_tables(l); i++)
		if (reopen_table(l, &l->tables[i], e) == -1) {
			err_prefix(e, "the table was altered while the load "
			    "ran, and %s", loader_say_stored(l));
			return -1;
		}
	return workers_open(l, e);
}
