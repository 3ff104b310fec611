#include "loader.h"

bool
loader_tables_must_be_altered(const struct loader *l)
{
	bool any = false;

	for (size_t i = 0; i < l->ntables; i++)
		any |= evolve_has_noted_changes(&l->tables[i].evolve);
	return any;
}

int
loader_plan_alters_for_rejects(struct loader *l, struct err *e)
{
	for (size_t i = 0; l->o->evolve && i < l->ntables; i++)
		if (evolve_note_refused_records(&l->tables[i].evolve,
			&l->tables[i].outcome, l->db, e) == -1)
			return -1;
	return 0;
}

int
loader_alter_tables(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->ntables; i++) {
		struct loaded_table *t = &l->tables[i];

		if (evolve_has_noted_changes(&t->evolve) &&
		    evolve_alter_table_and_print(&t->evolve, l->db,
		    t->target.table, e) == -1)
			return -1;
	}
	return 0;
}

static bool
table_has_refused_a_record(const struct loader *l)
{
	for (size_t i = 0; i < loader_count_tables(l); i++)
		if (l->tables[i].outcome.refused.n > 0)
			return true;
	return false;
}

int
loader_make_reject_lines_unless_void(struct loader *l, struct err *e)
{
	bool changed = loader_tables_must_be_altered(l);

	if (!changed && table_has_refused_a_record(l) &&
	    loader_find_if_any_table_changed(l, &changed, e) == -1)
		return -1;
	return changed ? 0 : rejects_make_lines_of_chunk(l, e);
}
