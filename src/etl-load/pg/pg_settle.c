#include "pg/pg_fault.h"
#include "pg/pg_sink.h"

/* Checks the deferred constraints of other tables, which PostgreSQL itself
 * checks only at COMMIT. If one fails, PostgreSQL does not say which row of the
 * batch was at fault. Then this function sets s->deferred and returns
 * SINK_REPEAT, and the caller loads the batch again. In this second load, the
 * sink checks the constraints after each part (chunk) of the batch, and, in a
 * chunk that fails, after each row. */
static enum sink_result
check_elsewhere(struct pg_sink *s, struct err *e)
{
	if (s->deferred || !s->elsewhere ||
	    db_script(s->db, "SET CONSTRAINTS ALL IMMEDIATE", e) == 0)
		return SINK_DONE;
	s->deferred = pg_may_blame_record(db_fault(s->db), false);
	return s->deferred ? SINK_REPEAT : SINK_FAILED;
}

/* If the target is a new table, makes its indexes and foreign keys. If one of
 * them refuses a row, PostgreSQL does not say which record it was. Then the
 * result is SINK_REPEAT: the caller loads the batch again, into a new table
 * that has its indexes and foreign keys before the rows come. */
enum sink_result
pg_settle(struct pg_sink *s, struct err *e)
{
	enum sink_result rc = check_elsewhere(s, e);

	if (rc != SINK_DONE || !s->target->swaps ||
	    pg_swap_make_indexes(&s->swap, e) == 0)
		return rc;
	if (s->swap.indexed_first ||
	    !pg_may_blame_record(db_fault(s->db), false)) {
		err_prefix(e, "table %s: the indexes of its new table cannot "
		    "be made", s->target->table->name);
		return SINK_FAILED;
	}
	s->swap.indexed_first = true;
	return SINK_REPEAT;
}
