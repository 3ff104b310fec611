#include "loader.h"

#include "base/stop.h"

#include <string.h>

int
tables_changed(struct loader *l, bool *changed, struct err *e)
{
	*changed = false;
	for (size_t i = 0; i < loader_count_tables(l) && !*changed; i++)
		if (target_find_change(&l->tables[i].target, l->db, changed,
			e) == -1)
			return -1;
	return 0;
}

const char *
loader_say_stored(const struct loader *l)
{
	return l->o->connections > 1 ? "rows of this batch may be stored, but "
	    "its records count as not loaded, so the next load repeats them" :
	    "nothing of this batch was committed";
}

static void
explain_change(const struct loader *l, const char *sqlstate, const char *table,
    struct err *e)
{
	const char *stored = loader_say_stored(l);
	const struct err why = *e;

	if (strcmp(sqlstate, "42703") == 0 || strcmp(sqlstate, "42P01") == 0)
		(void)err_set(e, ERR_CONFIG, false, "table %s: the table or a "
		    "column was renamed or dropped while the load ran (%s): "
		    "%s; start the load again if the table is as it should be",
		    table, why.msg, stored);
	else if (strcmp(sqlstate, "42P10") == 0)
		(void)err_set(e, ERR_CONFIG, false, "table %s: the unique "
		    "index on the columns of the key was dropped while the "
		    "load ran: %s; make the index again, then start the load "
		    "again", table, stored);
	else
		(void)err_set(e, ERR_RETRY, false, "table %s: a column got "
		    "another type while the load ran: %s; start the load "
		    "again", table, stored);
}

void
loader_explain_fault(struct loader *l, const struct db_fault *f, struct err *e)
{
	bool changed = false;
	struct err none;

	if (e->transient || f->lost || stop_signal() != 0 ||
	    f->sqlstate[0] == '\0')
		return;
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		const struct target *t = &l->tables[i].target;

		if (target_find_change(t, l->db, &changed, &none) == -1 ||
		    !changed)
			continue;
		explain_change(l, f->sqlstate, t->table->name, e);
		return;
	}
}

void
loader_roll_back(struct loader *l, struct err *e)
{
	const struct db_fault f = *db_fault(l->db);

	db_rollback(l->db);
	loader_explain_fault(l, &f, e);
}
