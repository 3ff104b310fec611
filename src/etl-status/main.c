/* etl-status shows what became of runs.
 *
 * main.c    reads the options and finds the report.
 * run       the report on one run: run_read reads it from the database,
 *           run_check looks for counts that do not add up, run_text and
 *           run_json print it.
 * print     writes the lines of a report. */
#include "status.h"

#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "control/control.h"

#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: etl-status [--db URL] [--json] --run ID";

#define AT(field) offsetof(struct status_opts, field)
static const struct opt options[] = {
	OPTION_DB(AT(db)),
	{ "json", OPT_FLAG, AT(json), NULL, "one JSON object", NULL, 0 },
	{ "run", OPT_STRING, AT(run), "ID",
	    "one run: its number, or the start of its uuid", NULL, 0 },
};
#undef AT

static const struct opt_spec spec = {
	.program = "etl-status", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0])
};

/* The first one that is asked for is printed. */
static const struct report {
	size_t option;          /* a text: asked for where it is set */
	int (*print)(struct status *s, struct err *e);
} reports[] = {
	{ offsetof(struct status_opts, run), run_report },
};
enum { REPORTS = sizeof(reports) / sizeof(reports[0]) };

static const struct report *
report_find(const struct status_opts *o, int operands, struct err *e)
{
	const char *given;

	for (size_t i = 0; operands == 0 && i < REPORTS; i++) {
		memcpy(&given, (const char *)o + reports[i].option,
		    sizeof(given));
		if (given != NULL)
			return &reports[i];
	}
	(void)err_set(e, ERR_USAGE, false, operands > 0 ?
	    "no operands are taken" : "what of? give --run ID");
	return NULL;
}

static int
report_run(const struct report *r, struct status *s, struct err *e)
{
	int rc = -1;

	if (out_open(&s->out, STDOUT_FILENO, "standard output", e) == -1)
		return -1;
	if (control_open(&s->db, s->opts->db, false, e) == 0 &&
	    r->print(s, e) == 0)
		rc = out_flush(s->out, e);
	db_close(s->db);
	out_close(s->out);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct status_opts o = { 0 };
	struct status s = { .opts = &o };
	const struct report *report = NULL;
	struct stdfd fds;
	struct err e = { 0 };
	enum opt_result r;
	int status = 0;

	memory_init();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec.program, &e);
	r = opt_parse(&spec, &o, argc, argv, &e);
	if (r == OPT_RUN &&
	    (report = report_find(&o, argc - optind, &e)) == NULL)
		r = OPT_FAILED;
	if (r != OPT_RUN)
		return opt_answer(&spec, r, &e);
	stop_catch();
	err_warn("etl-status", db_url_warning(o.db));
	if (report_run(report, &s, &e) == -1)
		status = err_report(spec.program, &e);
	stop_die();
	return status;
}
