#include "loader.h"

#include "base/stop.h"

#include <string.h>

int
loader_read_table_again(struct loader *l, struct err *e)
{
	struct reader *r = &l->outcome.reader;
	enum json_members duplicates = r->duplicates;
	struct target new;

	/* After a failure, messages still name the table. */
	if (target_open(&new, l->db, l->o, e) == -1) {
		target_close(&new);
		return -1;
	}
	l->sink->close(l->self);
	l->self = NULL;
	target_close(&l->target);
	l->target = new;
	reader_close(r);
	return reader_open(r, l->stage, &l->target, duplicates, e) == -1 ? -1 :
	    l->sink->open(&l->self, l->db, &l->target, e);
}

void
loader_roll_back_and_check_table(struct loader *l, struct err *e)
{
	const struct db_fault f = *db_fault(l->db);
	bool changed = false;
	struct err none;

	db_rollback(l->db);
	if (e->transient || f.lost || stop_signal() != 0 ||
	    f.sqlstate[0] == '\0' || strcmp(f.sqlstate, "42703") == 0 ||
	    strcmp(f.sqlstate, "42P01") == 0)
		return;
	if (table_find_if_changed(l->db, l->target.table, &changed, &none) ==
		0 && changed)
		(void)err_set(e, ERR_RETRY, false, "table %s: a column got "
		    "another type while the load ran: nothing of this batch "
		    "was committed; start the load again",
		    l->target.table->name);
}
