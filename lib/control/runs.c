#include "control/runs.h"

#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 20 };            /* to insert the row of a run */

int
run_insert(struct db *db, struct run *r, struct err *e)
{
	struct db_value v[] = { db_text(r->pipeline), db_text(r->run),
	    DB_I(r->attempt), db_text(r->retry_of), db_text(r->host),
	    db_text(r->traceparent), db_text(r->script),
	    db_text(r->machine), DB_I(r->pid), DB_I(r->pid_started),
	    db_text(r->pid_namespace), db_text(r->boot), db_text(r->host_id) };

	if (r->pid == 0)
		v[8] = v[9] = db_text(NULL);
	return db_query_int(
	    db, db_sql(db, SQL_RUN_START), v, 13, 0, &r->row, e);
}

int
run_last_script(struct db *db, const char *pipeline, struct buf *out,
    struct err *e)
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
run_renew(struct db *db, const char *run, struct err *e)
{
	struct db_value v = db_text(run);

	return db_run(db, db_sql(db, SQL_RUN_RENEW), &v, 1, NULL, e);
}

int
run_fence(struct db *db, const char *run, int64_t *row, struct err *e)
{
	return run_lock_row(db, SQL_RUN_FENCE, run, row, e);
}

static bool
is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Sets *e to the message for a pipeline that has another run. */
static void
refuse_second_run(const struct run *r, const struct run *other,
    const char *since, struct err *e)
{
	bool is_here = is_same(r->boot, other->boot) &&
	    is_same(r->pid_namespace, other->pid_namespace);
	const char *host = is_here ? NULL : other->host;
	char pid[32] = "";

	if (other->pid > 0)
		(void)snprintf(pid, sizeof(pid), " as process %" PRId64,
		    other->pid);
	(void)err_set(e, ERR_RETRY, true, "already running%s%s%.128s (run %.64s"
	    ", since %.32s): its row in pipeline_runs says so%s", pid,
	    host != NULL ? " on the host " : "", host != NULL ? host : "",
	    other->run, since != NULL ? since : "?", is_here ? "" : "; if that "
	    "run has died, this pipeline can run ten minutes after the time in "
	    "renewed_at");
}

/* Reads the oldest run of the pipeline in status running, and appends its uuid
 * to `stale` if it is not alive. If it is, returns 1 and says so in *e. */
static int
find_running(struct db *db, const struct run *r, run_is_alive *is_alive,
    struct buf *stale, struct err *e)
{
	struct db_value v = db_text(r->pipeline);
	struct db_rows *rows;
	int rc;

	buf_clear(stale);
	if (db_query(db, &rows, db_sql(db, SQL_RUN_LIST_RUNNING), &v, 1, e) ==
	    -1)
		return -1;
	if ((rc = db_next(rows, e)) == 1) {
		const struct run other = { .run = db_column(rows, 0).p,
			.host = db_column(rows, 3).p,
			.machine = db_column(rows, 4).p,
			.pid = db_column(rows, 5).i,
			.pid_started = db_column(rows, 6).i,
			.pid_namespace = db_column(rows, 7).p,
			.boot = db_column(rows, 8).p,
			.host_id = db_column(rows, 9).p };

		if (is_alive(r, &other, db_column(rows, 2).i != 0)) {
			refuse_second_run(r, &other, db_column(rows, 1).p, e);
		} else {
			buf_str(stale, other.run);
			rc = buf_check(stale, e);
		}
	}
	db_end(rows);
	(void)buf_text(stale);
	return rc == 1 && stale->len > 0 ? 0 : rc;
}

int
run_take_lease(struct db *db, struct run *r, run_is_alive *is_alive,
    const struct run_streams *streams, int64_t *n, struct err *e)
{
	struct run_outcome o = { .abandoned = true, .texts = {
	    .message = "etl-run ended before it had completed this run" } };
	struct run_end end;
	struct buf stale;
	int rc = 0, tries = 0;

	*n = 0;
	r->row = 0;
	buf_init(&stale, SIZE_MAX / 4);
	/* A row that another etl-run has inserted since the last look makes
	 * the insert do nothing. Then that run is judged too. */
	while (rc == 0 && r->row == 0) {
		rc = find_running(db, r, is_alive, &stale, e);
		if (rc == 0 && tries++ == TRIES)
			rc = err_set(e, ERR_RETRY, true, "other runs of this "
			    "pipeline keep starting");
		if (rc != 0)
			break;
		if (stale.len == 0) {
			rc = run_insert(db, r, e);
			continue;
		}
		o.streams = streams != NULL &&
		    strcmp(streams->run, buf_text(&stale)) == 0 ? streams :
		    NULL;
		rc = run_complete(db, buf_text(&stale), &o, &end, NULL, e);
		if (rc == 0) {
			++*n;
			tries = 0;
		} else if (e->code == ERR_RETRY) {
			/* Another process has set the status abandoned for the
			 * same run at the same time. */
			rc = 0;
		}
	}
	buf_release(&stale);
	return rc;
}
