#include "control/runs.h"

#include "json/write.h"

/* The columns of a row of pipeline_runs, in the order in which the SQL
 * statement run_row (sql/DIALECT/runs.sql) selects them. */
static const struct {
	const char *name;
	bool json;              /* the text is JSON: copy it as it is */
} columns[] = {
	{ "id", false }, { "started_at", false }, { "completed_at", false },
	{ "status", false }, { "records_extracted", false },
	{ "records_loaded", false }, { "errors", false },
	{ "error_message", false }, { "pipeline", false }, { "run", false },
	{ "attempt", false }, { "retry_of", false }, { "renewed_at", false },
	{ "dropped", false }, { "unchanged", false }, { "rejected", false },
	{ "host", false }, { "stages", true }, { "traceparent", false },
	{ "log", false }, { "script", false }, { "machine", false },
	{ "pid", false }, { "pid_started", false }, { "pid_namespace", false },
	{ "boot", false }, { "host_id", false },
};

static void
put_column(struct buf *out, const char *name, bool json,
    const struct db_value *v)
{
	if (v->type == DB_INT)
		json_put_int(out, name, v->i);
	else if (v->type != DB_TEXT)
		json_put_raw(out, name, "null", 4);
	else if (json)
		json_put_raw(out, name, v->p, v->len);
	else
		json_put_member(out, name, v->p, v->len);
}

int
run_put_json(struct db *db, const char *run, struct buf *out, struct err *e)
{
	struct db_value v = db_text(run);
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_RUN_ROW), &v, 1, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		buf_char(out, '{');
		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]);
		    i++) {
			struct db_value c = db_column(r, i);

			put_column(out, columns[i].name, columns[i].json, &c);
		}
		buf_char(out, '}');
	} else if (rc == 0) {
		rc = err_set(e, ERR_RETRY, false, "run %s has no row in "
		    "pipeline_runs: another program has deleted it", run);
	}
	db_end(r);
	return rc == -1 ? -1 : buf_check(out, e);
}
