/* etl-status reports on runs: how the executions of pipelines by etl-run have
 * ended, and how many records they loaded and rejected.
 *
 * main.c    reads the options and finds the report.
 * list      the report on the last runs, a line for each.
 * run       the report on one run: run_read reads it from the database,
 *           run_check looks for counts that do not add up, run_text and
 *           run_json print it.
 * print     writes the lines of a report. */
#include "status.h"

#include "base/core_dump.h"
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "control/control.h"

#include <string.h>
#include <unistd.h>

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
