#include "control/ledger.h"

#include "base/buf.h"

#include <string.h>

/* Returns true if the column has this run, or if both are NULL. */
static bool
is_same_run(const struct db_value *v, const char *run)
{
	if (v->type != DB_TEXT || run == NULL)
		return v->type != DB_TEXT && run == NULL;
	return v->len == strlen(run) && memcmp(v->p, run, v->len) == 0;
}

int
ledger_read(struct db *db, const struct ledger *l, struct ledger_row *t,
    struct buf *counts, struct err *e)
{
	struct db_value v[] = { db_text(l->stream_id), db_text(l->target) };
	struct db_value run;
	struct db_rows *r;
	int rc;

	*t = (struct ledger_row){ 0 };
	if (db_query(db, &r, db_sql(db, SQL_LEDGER_READ), v, 2, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		t->there = true;
		t->batch = db_column(r, 0).i;
		t->seq = db_column(r, 1).i;
		t->ended = db_column(r, 2).i != 0;
		t->taken = db_column(r, 3).i != 0;
		if (counts != NULL && db_column(r, 4).type == DB_TEXT)
			buf_add(counts, db_column(r, 4).p,
			    db_column(r, 4).len);
		t->version = db_column(r, 5).i;
		run = db_column(r, 6);
		t->kept = db_column(r, 7).type == DB_INT ?
		    db_column(r, 7).i : -1;
		t->own = is_same_run(&run, l->run);
		rc = 0;
	}
	db_end(r);
	if (rc == 0 && counts != NULL)
		rc = buf_check(counts, e);
	return rc;
}

/* Called if a statement inserted or changed no row of the table etl_loads,
 * because the row did not have the expected batch number. Reads the row to find
 * out why: another loader was faster, an earlier COMMIT of this batch
 * succeeded, or the row was closed. */
static enum ledger_result
explain_unchanged(struct db *db, const struct ledger *l, struct err *e)
{
	struct ledger_row t;

	if (ledger_read(db, l, &t, NULL, e) == -1)
		return LEDGER_FAILED;
	if (t.taken)
		return LEDGER_ROW_CLOSED;
	if (t.batch == l->batch + 1 && (l->seq == 0 || t.seq == l->seq))
		return LEDGER_DONE;
	if (t.batch > l->batch)
		return LEDGER_AHEAD;
	(void)err_set(e, ERR_RETRY, false, "table %s: the row of this stream "
	    "in etl_loads is gone or names an earlier batch: another program "
	    "has changed it, so run the load again",
	    l->target);
	return LEDGER_FAILED;
}

enum ledger_result
ledger_record(struct db *db, const struct ledger *l, struct err *e)
{
	struct db_value v[] = { db_text(l->stream_id), db_text(l->target),
	    db_text(l->run), DB_I(l->seq), DB_I(l->ended),
	    db_text(l->counts), DB_I(l->appends), DB_I(l->version),
	    l->kept == -1 ? db_text(NULL) : DB_I(l->kept), DB_I(l->batch) };
	bool first = l->batch == 0;
	int64_t changed = 0;

	if (db_run(db, db_sql(db, first ? SQL_LEDGER_INSERT :
	    SQL_LEDGER_UPDATE), v, first ? 9 : 10, &changed, e) == -1)
		return LEDGER_FAILED;
	return changed == 1 ? LEDGER_ROW_MATCHED : explain_unchanged(db, l, e);
}

enum ledger_result
ledger_lock(struct db *db, const struct ledger *l, struct err *e)
{
	struct db_value v[] = { db_text(l->stream_id), db_text(l->target),
	    DB_I(l->batch) };
	int64_t found;

	if (db_query_int(db, db_sql(db, SQL_LEDGER_LOCK), v, 3, 0, &found, e) ==
	    -1)
		return LEDGER_FAILED;
	return found == 1 ? LEDGER_ROW_MATCHED : explain_unchanged(db, l, e);
}

enum ledger_result
ledger_close(struct db *db, const struct ledger *l, struct err *e)
{
	struct db_value first[] = { db_text(l->stream_id),
	    db_text(l->target), db_text(l->run), DB_I(1) };
	struct db_value later[] = { db_text(l->stream_id),
	    db_text(l->target), DB_I(l->batch), DB_I(1) };
	int64_t changed = 0;

	if (db_run(db, db_sql(db, l->batch == 0 ? SQL_LEDGER_TAKE_FIRST :
	    SQL_LEDGER_TAKE), l->batch == 0 ? first : later, 4, &changed,
	    e) == -1)
		return LEDGER_FAILED;
	return changed == 1 ? LEDGER_ROW_MATCHED : explain_unchanged(db, l, e);
}

int
ledger_reopen(struct db *db, const struct ledger *l, struct err *e)
{
	struct db_value v[] = { db_text(l->stream_id), db_text(l->target),
	    DB_I(l->batch) };

	return db_run(db, db_sql(db, SQL_LEDGER_REOPEN), v, 3, NULL, e);
}
