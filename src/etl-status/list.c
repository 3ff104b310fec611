/* etl-status without --run: prints a line for each of the last runs, newest
 * first. */
#include "status.h"

#include "base/text.h"
#include "json/write.h"

#include <string.h>

enum { RUNS = 20 };             /* the default of --limit */
enum { SHORT_ID = 8, SECONDS = 19 };    /* characters shown of an id, a time */

enum {                          /* columns of the statement status_list */
	COLUMN_ID, COLUMN_RUN, COLUMN_STATUS, COLUMN_STARTED, COLUMN_COMPLETED,
	COLUMN_PIPELINE, COLUMN_MESSAGE, COLUMN_ATTEMPT, COLUMN_DURATION,
	COLUMN_EXTRACTED, COLUMN_LOADED, COLUMN_UNCHANGED, COLUMN_DROPPED,
	COLUMN_REJECTED, COLUMNS
};

static int
query_runs(struct status *s, int64_t limit, struct db_rows **r, struct err *e)
{
	const struct db_value v[] = { db_text(s->opts->pipeline),
	    DB_I(s->opts->failed), DB_I(limit) };

	return db_query(s->db, r, db_sql(s->db, SQL_STATUS_LIST), v,
	    sizeof(v) / sizeof(v[0]), e);
}

int
find_last_run(struct status *s, int64_t *id, struct err *e)
{
	struct db_rows *r;
	int rc;

	if (query_runs(s, 1, &r, e) == -1)
		return -1;
	if ((rc = db_next(r, e)) == 1)
		*id = db_column(r, COLUMN_ID).i;
	db_end(r);
	if (rc == 0)
		return err_set(e, ERR_LIMIT, false, "%s has no %srun%s%s",
		    db_name(s->db), s->opts->failed ? "failed " : "",
		    s->opts->pipeline != NULL ? " of the pipeline " : "",
		    s->opts->pipeline != NULL ? s->opts->pipeline : "");
	return rc == 1 ? 0 : -1;
}

/* Appends a cell of the list: the text, cut to at most `most` bytes, then
 * blanks up to `width` columns. */
static void
put_cell(struct buf *b, struct db_value v, size_t most, size_t width)
{
	size_t start = b->len;

	if (v.type == DB_TEXT)
		text_show(b, v.p, text_cut_length(v.p, v.len, most));
	while (b->len < start + width && !b->failed)
		buf_char(b, ' ');
}

/* Appends a count of the run, or "-" while the run is active: etl-run writes
 * the counts to the run's row in the table pipeline_runs when the run ends. */
static void
put_count(struct buf *b, const struct db_rows *r, size_t column)
{
	if (db_column(r, COLUMN_COMPLETED).type == DB_NULL)
		buf_printf(b, "%9s ", "-");
	else
		buf_printf(b, "%9lld ", (long long)db_column(r, column).i);
}

static void
put_run_line(struct buf *b, const struct db_rows *r)
{
	long long ms = (long long)db_column(r, COLUMN_DURATION).i;

	put_cell(b, db_column(r, COLUMN_RUN), SHORT_ID, SHORT_ID + 1);
	put_cell(b, db_column(r, COLUMN_STATUS), SIZE_MAX, 10);
	put_count(b, r, COLUMN_EXTRACTED);
	put_count(b, r, COLUMN_LOADED);
	put_count(b, r, COLUMN_REJECTED);
	put_cell(b, db_column(r, COLUMN_STARTED), SECONDS, SECONDS);
	if (ms < 0)             /* the clock was set back during the run */
		ms = 0;
	buf_printf(b, " %5lld.%03llds ", ms / 1000, ms % 1000);
	put_cell(b, db_column(r, COLUMN_PIPELINE), SIZE_MAX, 0);
	buf_char(b, '\n');
}

static void
put_run_json(struct buf *b, const struct db_rows *r)
{
	static const char *const names[COLUMNS] = { "id", "run", "status",
	    "started_at", "completed_at", "pipeline", "error_message",
	    "attempt", "duration_ms", "records_extracted", "records_loaded",
	    "unchanged", "dropped", "rejected" };

	buf_char(b, '{');
	for (size_t i = 0; i < COLUMNS; i++) {
		struct db_value v = db_column(r, i);

		if (v.type == DB_TEXT)
			status_put_text(b, names[i], v.p, v.len);
		else if (v.type != DB_NULL)
			json_put_int(b, names[i], v.i);
	}
	buf_str(b, "}\n");
}

int
print_run_list(struct status *s, struct err *e)
{
	uint64_t limit = s->opts->limit > 0 ? s->opts->limit : RUNS;
	struct db_rows *r;
	struct buf b;
	int rc;

	if (query_runs(s, limit < INT64_MAX ? (int64_t)limit : INT64_MAX, &r,
	    e) == -1)
		return -1;
	buf_init(&b, SIZE_MAX / 4);
	if (!s->opts->json)
		buf_printf(&b, "%-8s %-9s %9s %9s %9s %-19s %10s %s\n", "RUN",
		    "STATUS", "EXTRACTED", "LOADED", "REJECTED",
		    "STARTED (UTC)", "DURATION", "PIPELINE");
	while ((rc = status_print(s, &b, e)) == 0 &&
	    (rc = db_next(r, e)) == 1) {
		buf_clear(&b);
		if (s->opts->json)
			put_run_json(&b, r);
		else
			put_run_line(&b, r);
	}
	db_end(r);
	buf_release(&b);
	return rc;
}
