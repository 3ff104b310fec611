#include "loader.h"

bool
loader_tables_must_change(const struct loader *l)
{
	bool any = false;

	for (size_t i = 0; i < l->ntables; i++)
		any |= evolve_is_needed(&l->tables[i].evolve);
	return any;
}

int
loader_note_changes_that_rejects_need(struct loader *l, struct err *e)
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

		if (evolve_is_needed(&t->evolve) && evolve_alter_table(
			&t->evolve, l->db, t->target.table, e) == -1)
			return -1;
	}
	return 0;
}
