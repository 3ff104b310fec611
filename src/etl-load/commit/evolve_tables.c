#include "loader.h"

bool
loader_must_alter(const struct loader *l)
{
	bool any = false;

	for (size_t i = 0; i < l->ntables; i++)
		any |= evolve_has_changes(&l->tables[i].evolve);
	return any;
}

int
loader_note_alters(struct loader *l, struct err *e)
{
	for (size_t i = 0; l->o->evolve && i < l->ntables; i++)
		if (evolve_note_refused(&l->tables[i].evolve,
		    &l->tables[i].outcome, l->db, e) == -1)
			return -1;
	return 0;
}

int
loader_alter_tables(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++) {
		struct loaded_table *t = &l->tables[i];

		if (evolve_has_changes(&t->evolve) &&
		    evolve_alter_table(&t->evolve, l->db, t->target.table,
		    e) == -1)
			return -1;
	}
	return 0;
}

/* Returns true if a table has refused a record of the chunk. */
static bool
has_refusals(const struct loader *l)
{
	for (size_t i = 0; i < loader_count_tables(l); i++)
		if (l->tables[i].outcome.refused.n > 0)
			return true;
	return false;
}

int
loader_make_rejects(struct loader *l, struct err *e)
{
	bool changed = loader_must_alter(l);

	if (!changed && has_refusals(l) && tables_changed(l, &changed, e) == -1)
		return -1;
	return changed ? 0 : rejects_make(l, e);
}
