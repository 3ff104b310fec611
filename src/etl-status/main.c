/* etl-status reports on runs: how the executions of pipelines by etl-run have
 * ended, and how many records they loaded and rejected.
 *
 * main.c    reads the options and finds the report; writes the report on the
 *           last runs, a line for each.
 * run       reads one run from the database, and looks for counts that do not
 *           add up.
 * run_text  the report on one run, as text or as JSON. */
#include "base/process.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "base/text.h"
#include "control/control.h"
#include "json/write.h"
#include "status.h"

#include <string.h>
#include <unistd.h>

/* etl-status without --run: prints a line for each of the last runs, newest
 * first. */

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

/* The reports. */
static int
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

static const char usage[] =
    "usage: etl-status [--control-schema NAME] [--db URL] [--failed]\n"
    "                  [--json] [--limit N] [--pipeline NAME]\n"
    "       etl-status [--control-schema NAME] [--db URL] [--json] --run ID\n"
    "       etl-status [--control-schema NAME] [--db URL] [--failed]\n"
    "                  [--json] [--pipeline NAME] --run last";

#define AT(field) offsetof(struct status_opts, field)
static const struct opt options[] = {
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	{ "failed", OPT_FLAG, AT(failed), NULL,
	    "only runs that failed or were abandoned", NULL, 0 },
	{ "json", OPT_FLAG, AT(json), NULL, "one JSON object for each run",
	    NULL, 0 },
	{ "limit", OPT_COUNT, AT(limit), "N",
	    "list the last N runs (default: 20)", NULL, 0 },
	{ "pipeline", OPT_STRING, AT(pipeline), "NAME",
	    "only runs of this pipeline", NULL, 0 },
	{ "run", OPT_STRING, AT(run), "ID|last",
	    "one run: its number, the start of its uuid, or the last run",
	    NULL, 0 },
};
#undef AT

static const struct opt_spec spec = {
	.program = "etl-status", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0])
};

typedef int (*report_fn)(struct status *s, struct err *e);

/* Sets *report to the function that prints the report: of one run with --run,
 * else the list of the last runs. Fails if options contradict each other. */
static int
select_report(report_fn *report, const struct status_opts *o, int operands,
    struct err *e)
{
	*report = o->run != NULL ? print_run_report : print_run_list;
	if (operands > 0)
		return err_set(e, ERR_USAGE, false, "no operands are taken: "
		    "to show one run, give --run ID");
	if (o->run != NULL && o->limit > 0)
		return err_set(e, ERR_USAGE, false, "--run shows one run: "
		    "leave out --run or --limit");
	if (o->run != NULL && strcmp(o->run, "last") != 0 &&
	    (o->pipeline != NULL || o->failed))
		return err_set(e, ERR_USAGE, false, "--pipeline and --failed "
		    "select among several runs: use them without --run, or "
		    "with --run last");
	return 0;
}

/* Opens the database, and prints the report with report(). */
static int
print_report(report_fn report, struct status *s, struct err *e)
{
	int rc = -1;

	if (out_open(&s->out, STDOUT_FILENO, "standard output", e) == -1)
		return -1;
	if (control_open_tables(&s->db, s->opts->db, s->opts->control_schema,
	    false, e) == 0 &&
	    report(s, e) == 0)
		rc = out_flush(s->out, e);
	db_close(s->db);
	out_free(s->out);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct status_opts o = { 0 };
	struct status s = { .opts = &o };
	report_fn report = NULL;
	struct stdfd fds;
	struct err e = { 0 };
	enum opt_result r;
	int status = 0;

	memory_trim_large();
	core_dump_forbid_all();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec.program, &e);
	r = opt_parse(&spec, &o, argc, argv, &e);
	if (r == OPT_RUN && select_report(&report, &o, argc - optind, &e) == -1)
		r = OPT_FAILED;
	if (r != OPT_RUN)
		return opt_print_result(&spec, r, &e);
	stop_init();
	err_warn("etl-status", db_url_warning(o.db));
	if (print_report(report, &s, &e) == -1)
		status = err_report(spec.program, &e);
	stop_raise();
	return status;
}

/* Prints a text line by line with control characters escaped, so that a
 * terminal does not obey them. Each line must end in an LF. The text may be
 * JSON or already escaped: escaping again does not change its meaning. */
int
status_print(struct status *s, struct buf *text, struct err *e)
{
	const char *p, *end, *lf;
	struct buf line;
	int rc = 0;

	if (buf_check(text, e) == -1)
		return -1;
	buf_init(&line, SIZE_MAX / 4);
	p = text->data;
	for (end = p + text->len; rc == 0 && p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		buf_clear(&line);
		text_show(&line, p, (size_t)(lf - p));
		rc = buf_check(&line, e) == -1 ? -1 :
		    out_write_line(s->out, line.data, line.len, e);
	}
	buf_release(&line);
	return rc;
}

void
status_put_text(struct buf *b, const char *name, const char *s, size_t n)
{
	struct buf clean;
	size_t good;

	buf_init(&clean, SIZE_MAX / 4);
	while (n > 0) {
		good = utf8_valid_length(s, n);
		buf_add(&clean, s, good);
		if (good < n) {
			buf_char(&clean, '?');
			good++;
		}
		s += good;
		n -= good;
	}
	json_put_member(b, name, clean.data, clean.len);
	b->failed |= clean.failed;
	buf_release(&clean);
}
