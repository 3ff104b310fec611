/* resolve and discard: letters closed by hand, all of them or none. */
#include "dlq.h"

static int
close_all(struct dlq *d, const char *status, struct err *e)
{
	if (dlq_open(d, e) == -1 || db_begin(d->db, e) == -1)
		return -1;
	for (int i = 0; i < d->nargs; i++)
		if (letter_close(d->db, d->args[i], status, d->opts->reason,
		    e) == -1) {
			db_rollback(d->db);
			return -1;
		}
	return db_commit(d->db, e);
}

int
resolve_command(struct dlq *d, struct err *e)
{
	return close_all(d, "resolved", e);
}

int
discard_command(struct dlq *d, struct err *e)
{
	return close_all(d, "discarded", e);
}
