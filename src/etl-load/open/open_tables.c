#include "loader.h"

#include "create/absent_table.h"

/* Opens the table and the sink for it. */
static int
open_table(struct loader *l, struct loaded_table *t, struct err *e)
{
	return loader_read_target(l, t, &t->target, e) == -1 ? -1 :
	    l->sink->open(&t->self, l->db, &t->target, e);
}

int
loader_open_tables(struct loader *l, struct err *e)
{
	l->sink = l->absent ? &sink_absent : sink_for(db_kind(l->db));
	if (l->sink == NULL)
		return err_bug(e, "it has no sink for this kind of database");
	for (size_t i = 0; i < loader_count_tables(l); i++)
		if (open_table(l, &l->tables[i], e) == -1)
			return -1;
	return loader_name_tables(l, e);
}
