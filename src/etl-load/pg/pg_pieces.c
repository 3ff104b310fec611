#include "pg/pg_rows.h"

#include "base/stop.h"

enum { FIRST_PIECE = 64 };      /* rows in the first piece */

size_t
pg_find_copy_row(const struct pg_rows *r, const struct shape *s, size_t from,
    int64_t line)
{
	for (size_t i = from; i < r->to; i++)
		if (pg_row_is_pending(&r->v[i], s) && --line == 0)
			return i;
	return from;
}

int
pg_copy_in_pieces(struct pg_rows *r, const struct shape *s, bool staged,
    struct outcome *o, struct err *e)
{
	size_t from = r->from, at, n = FIRST_PIECE, good = 0;
	struct db_fault fault;
	struct err why;
	int rc;

	if (pg_check_copy(r, s, staged, e) == -1)
		return -1;
	while (from < r->to) {
		if (stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		at = from;
		rc = pg_try_copy(r, s, staged, &at, good > 0 ? good : n, e);
		if (rc == -1)
			return -1;
		if (rc == 1) {
			n = good > 0 ? n : n * 2;
			good = 0;
			from = at;
			continue;
		}
		fault = *db_fault(r->db);
		why = *e;
		if (db_script(r->db, PG_UNDO_PIECE, e) == -1)
			return -1;
		if (fault.line == 0 && n > 1) {
			n /= 2;
			continue;
		}
		at = pg_find_copy_row(r, s, from,
		    fault.line > 0 ? fault.line : 1);
		r->v[at].done = true;
		good = fault.line > 1 ? (size_t)fault.line - 1 : 0;
		n = n > 1 ? n / 2 : 1;
		if (outcome_reject_fault(o, r->v[at].item, &fault, why.msg,
		    e) == -1)
			return -1;
	}
	return 0;
}
