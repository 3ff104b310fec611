#include "plan/plan.h"

#include "loader.h"

static int
note_record(void *self, struct stage *stage, const struct line *l,
    struct err *e)
{
	struct loader *ld = self;
	struct loaded_table *t = ld->tables;

	(void)stage;
	ld->sample.records++;
	return evolve_note_planned(&t->evolve, &t->outcome.reader, l,
	    ld->plan.adds_columns, ld->db, e);
}

/* Finds the statements of --evolve. Ignores unknown members while it looks for
 * columns that are too narrow: otherwise a record with an unknown member would
 * be rejected before its values are examined. */
int
plan_find_changes(struct loader *l, struct err *e)
{
	struct mapping *m = &l->tables->target.mapping;
	int rc;

	if (!l->o->evolve || l->absent || l->sample.read)
		return 0;
	l->sample.note = note_record;
	l->sample.note_self = l;
	l->plan.adds_columns = m->extra == EXTRA_REJECT;
	if (l->plan.adds_columns)
		m->extra = EXTRA_IGNORE;
	rc = sample_read(&l->sample, l->stage, e);
	if (l->plan.adds_columns)
		m->extra = EXTRA_REJECT;
	l->sample.note = NULL;
	l->plan.evolves = rc == 0;
	return rc;
}
