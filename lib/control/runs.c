#include "control/runs.h"

#include "base/buf.h"

#include <string.h>

int
run_insert_row_as_running(struct db *db, struct run *r, struct err *e)
{
	struct db_value v[] = { db_text(r->pipeline), db_text(r->run),
	    DB_I(r->attempt), db_text(r->retry_of), db_text(r->host),
	    db_text(r->traceparent), db_text(r->script),
	    db_text(r->machine) };

	return db_query_int(db, db_sql(db, SQL_RUN_START), v, 8, 0, &r->row, e);
}

int
run_append_last_script(
    struct db *db, const char *pipeline, struct buf *out, struct err *e)
{
	struct db_value v = db_text(pipeline);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_RUN_LAST_SCRIPT), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		buf_add(out, db_column(r, 0).p, db_column(r, 0).len);
	db_end(r);
	(void)buf_text(out);
	return rc == -1 ? -1 : buf_check(out, e);
}

int
run_set_renewed_at_if_running(struct db *db, const char *run, struct err *e)
{
	struct db_value v = db_text(run);

	return db_run(db, db_sql(db, SQL_RUN_RENEW), &v, 1, NULL, e);
}

int
run_lock_if_running(struct db *db, const char *run, int64_t *row, struct err *e)
{
	return run_find_running_row_or_fail(db, SQL_RUN_FENCE, run, row, e);
}

/* A stale run is in status running although its etl-run has probably exited.
 * Sets *run to the uuid of the oldest stale run of this pipeline, or to "" if
 * no run is stale. */
static int
find_oldest_stale_run(
    struct db *db, const struct run *r, struct buf *run, struct err *e)
{
	struct db_value v[] = { db_text(r->pipeline), db_text(r->host),
	    db_text(r->machine) };
	struct db_rows *rows;
	int rc;

	buf_clear(run);
	if (db_query(db, &rows, db_sql(db, SQL_RUN_LIST_STALE), v, 3, e) == -1)
		return -1;
	if ((rc = db_next(rows, e)) == 1)
		buf_add(run, db_column(rows, 0).p, db_column(rows, 0).len);
	db_end(rows);
	return rc == -1 ? -1 : buf_check(run, e);
}

int
run_abandon_stale(struct db *db, const struct run *r,
    const struct run_streams *streams, int64_t *n, struct err *e)
{
	struct run_outcome o = { .abandoned = true, .texts = {
	    .message = "etl-run ended before it had completed this run" } };
	struct run_end end;
	struct buf run;
	int rc;

	*n = 0;
	buf_init(&run, SIZE_MAX / 4);
	while ((rc = find_oldest_stale_run(db, r, &run, e)) == 0 &&
	    run.len > 0) {
		o.streams = streams != NULL &&
		    strcmp(streams->run, buf_text(&run)) == 0 ? streams : NULL;
		rc = run_complete(
		    db, buf_text(&run), &o, &end, NULL, e);
		/* Ignore ERR_RETRY: another process has set the status
		 * abandoned for the same run at the same time. */
		if (rc == -1 && e->code != ERR_RETRY)
			break;
		*n += rc == 0;
	}
	buf_release(&run);
	return rc;
}
