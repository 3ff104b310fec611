#include "loader.h"

#include "base/stop.h"
#include "open/time_limits.h"

enum { NOT_YET = 2 };

int
batch_note_xid(struct loader *l, struct err *e)
{
	l->xid = 0;
	if (l->marked || db_kind(l->db) != DB_POSTGRESQL)
		return 0;
	return db_query_int(l->db,
	    "SELECT pg_catalog.pg_current_xact_id()::text::int8", NULL, 0, 0,
	    &l->xid, e);
}

/* Asks PostgreSQL whether the transaction l->xid, whose COMMIT had no answer,
 * was committed. Returns 1: committed. 0: the caller repeats the batch, because
 * it was not committed, or because the mode is repeatable: a second load of the
 * batch leaves the table as it is. A mode that needs a complete stream repeats
 * only a batch that was not committed: if the first COMMIT succeeds late, the
 * second one fails (ledger/complete.c). NOT_YET: the transaction is still in
 * progress, ask again. -1: failed, with *e. */
static int
ask_commit(struct loader *l, struct err *e)
{
	static const char sql[] =
	    "SELECT CASE pg_catalog.pg_xact_status($1::text::xid8)"
	    " WHEN 'committed' THEN 1 WHEN 'aborted' THEN 0"
	    " WHEN 'in progress' THEN 2 ELSE 3 END";
	struct db_value v = DB_I(l->xid);
	int64_t is = 3;

	if (l->xid == 0)
		return 0;
	if (db_query_int(l->db, sql, &v, 1, 3, &is, e) == -1)
		return -1;
	if (is >= 2 &&
	    (!l->mode->repeatable || l->mode->complete)) {
		(void)err_set(e, ERR_RETRY, false, "the connection was lost "
		    "during COMMIT, and the server does not say whether the "
		    "last batch was committed: compare the rows in the table "
		    "before you load it again");
		return is == 2 ? NOT_YET : -1;
	}
	l->xid = 0;
	l->unknown = is >= 2;
	return is == 1;
}

int
batch_recover(struct loader *l, uint64_t *tries, struct err *e)
{
	const struct db_fault *f = db_fault(l->db);
	struct err first;
	int rc;

	time_limits_explain(l->o, f, e);
	first = *e;
	if (!e->transient || stop_signal() != 0 || (!f->again && !f->lost))
		return -1;
	do {
		if (retry_wait(&l->retry, ++*tries, &first, e) == -1)
			return -1;
		rc = db_reopen(l->db, e);
		if (rc == 0) {
			loader_reset_sinks(l);
			rc = l->unknown ? ask_commit(l, e) : 0;
		}
		if (rc == -1 || rc == NOT_YET)
			first = *e;
	} while (rc == NOT_YET || (rc == -1 && first.transient &&
	    (f->again || f->lost)));
	return rc;
}
