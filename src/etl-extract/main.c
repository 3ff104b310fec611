/* etl-extract reads records from HTTP APIs, databases and files.
 *
 * main.c         reads the options and sets the exit code.
 * run            the loop over all items, which each mode has in common.
 * run_sources.c  reads the SOURCEs one after the other and writes the stream.
 * run_each.c     makes a request for each record of standard input (--each).
 * batch.c        makes a request for several of these records (--batch-each):
 *                the records that wait for it, and the ids that join the
 *                answers to them.
 * each           a request of run_each.c or batch.c, its answer, the lines of
 *                standard input (read ahead with --jobs), and the output.
 * run_replay     reads the bytes of letters in a replay on standard input;
 *                raw_record: the record of a raw mark.
 * item_writer    checks an element and writes it as a record or a reject.
 * new_files      --new-files: which files are new, and the marks for them.
 * common/        what all folders use. extract.h: the options, and the state
 *                that all parts of a run share; options: their table, and which
 *                of them may be used with which kinds of sources; item.h: one
 *                element that a source has read, usually a record; ahead: child
 *                processes that read parts of the input ahead (--jobs); gunzip:
 *                decodes gzip, of files and of answers; stdout_reader: notices
 *                that the reader of standard output has exited.
 * source/        kinds of sources: http_pages reads an HTTP API page by page,
 *                ndjson, csv, json and singer read files, sql the rows of a
 *                query, tap the output of a Singer tap; source.c has the list.
 * file/          the list of files; the bytes of a file, decompressed and
 *                converted to UTF-8; its format.
 * document/      the records in JSON text that arrives in pieces.
 * csv/           records, columns and types of CSV files.
 * sql/           databases as sources; the parameters of a query.
 * singer/        the process of a tap, its STATE as the value of a checkpoint,
 *                its messages.
 * page/          pages: the records of a body; paginate: the paginators;
 *                places: where a value is in an answer or in a request; seen:
 *                which records and cursors came before.
 * http/          fetch: a request with redirects, retries and credentials
 *                (auth), when it is sent, also early (--jobs); transport: sends
 *                it, with libcurl; answer: its status and headers; recording:
 *                answers in files; url and request make the URL; mask hides
 *                secrets (secret) in texts.
 * probe/         --probe: finds out from one answer how to read all pages.
 * cursor/        incremental runs: the stored checkpoint, the bounds of a
 *                request, the comparison of cursor values, the marks. */
#include "base/process.h"
#include "base/stop.h"
#include "common/options.h"
#include "cursor/cursor.h"
#include "db/db.h"
#include "http/fetch.h"
#include "new_files.h"
#include "probe/probe.h"
#include "run.h"
#include "singer/tap.h"
#include "stream/stage.h"

#include <getopt.h>
#include <string.h>

/* In a replay, records are read from letters and not from a source. The options
 * of incremental runs, which choose records of a source, then have no effect.
 * Runs a replay, --each or the sources. */
static int
run_input(struct extract *x, struct stage *s, char *const *uri, size_t n,
    bool replays, struct err *e)
{
	if (replays)
		return run_replay(x, s, e);
	if (x->opts.singer) {
		x->tap = uri;
		return tap_check(&x->opts, n, e) == -1 ? -1 :
		    run_sources(x, s, uri, 1, e);
	}
	if (new_files_check(&x->opts, uri, n, e) == -1 ||
	    (!x->opts.new_files &&
		cursor_check(&x->opts, uri, n, e) == -1))
		return -1;
	return x->opts.each != NULL ? run_each(x, s, e) :
	    run_sources(x, s, uri, n, e);
}

static int
run_checked(struct extract *x, struct stage *s, char *const *uri, size_t n,
    bool replays, struct err *e)
{
	enum json_members members;
	int rc;

	if (x->opts.each != NULL && !x->opts.singer && n > 0)
		return err_set(e, ERR_USAGE, false,
		    "--each reads records from standard input: remove the "
		    "SOURCE");
	if (x->opts.each == NULL && !x->opts.singer && n == 0)
		return err_set(e, ERR_USAGE, false, "no SOURCE: give a URL, a "
		    "file, or - for standard input");
	if (x->opts.each == NULL &&
	    (x->opts.as != NULL || x->opts.count_as != NULL))
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as need --each TEMPLATE");
	if (batch_options_check(&x->opts, e) == -1)
		return -1;
	if (x->opts.each == NULL && x->opts.stage != NULL)
		return err_set(e, ERR_USAGE, false, "--stage needs --each "
		    "TEMPLATE: to name the stream of a SOURCE give --stream");
	if (record_options_check(x->opts.max_record, NULL, &members, e) == -1)
		return -1;
	if (x->opts.max_body == 0)
		return err_set(e, ERR_USAGE, false,
		    "--max-body must be more than 0");
	rc = run_input(x, s, uri, n, replays, e);
	fetch_close(x->fetch);
	return rc == -1 ? -1 : stage_end(s, e);
}

static bool
reads_stdin(const struct extract *x, char *const *uri, size_t n)
{
	for (size_t i = 0; i < n && !x->opts.singer; i++)
		if (strcmp(uri[i], "-") == 0)
			return true;
	return false;
}

/* Runs etl-extract as one program of a pipeline. Its output stream is opened
 * before anything else can fail. Every later failure can thus be written to the
 * stream as the mark `failed`, which tells the later programs of the pipeline
 * why there are no more records. */
static int
run_stage(struct extract *x, const struct stdfd *fds, char *const *uri,
    size_t n, struct err *e)
{
	const int replays = x->opts.each == NULL && !x->opts.singer &&
	    !x->opts.plain &&
	    n == 1 && strcmp(uri[0], "-") == 0 ? replay_is_on_stdin(e) : 0;
	const struct stage_conf conf = { .name = "extract",
	    .stage = x->opts.stage, .first_source = n > 0 ? uri[0] : NULL,
	    .source = x->opts.each == NULL && replays == 0, .reads_raw = true,
	    .plain = x->opts.each != NULL && x->opts.plain,
	    .marked = x->opts.marked,
	    .reads_stdin = reads_stdin(x, uri, n),
	    .rejects = x->opts.rejects,
	    .max_rejects = x->opts.max_rejects, .stream = x->opts.stream,
	    .checkpoint = x->opts.checkpoint,
	    .files_by = new_files_are_whole(&x->opts) ?
		x->opts.source_file : NULL,
	    .lookback = x->opts.lookback != NULL,
	    .max_record = x->opts.max_record, .fds = fds };
	struct stage *s;
	int rc = -1;

	if (replays == -1 || stage_open(&s, &conf, e) == -1) {
		stage_fail_early(conf.name, e);
		return -1;
	}
	if (!conf.source || stage_begin_source(s, e) == 0)
		rc = run_checked(x, s, uri, n, replays == 1, e);
	if (rc == -1)
		stage_fail(s, e);
	stage_close(s);
	return rc;
}

int
main(int argc, char *argv[])
{
	const struct opt_spec *spec = &extract_option_spec;
	struct extract x = { .opts = extract_option_defaults };
	struct err e = { 0 };
	struct stdfd fds;
	enum opt_result r;
	int status = 0;

	memory_trim_large();
	core_dump_forbid_all();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec->program, &e);
	r = opt_parse(spec, &x.opts, argc, argv, &e);
	if (r == OPT_FAILED)
		stage_fail_early("extract", &e);
	if (r != OPT_RUN) {
		opt_release(spec, &x.opts);
		return opt_print_result(spec, r, &e);
	}
	err_warn("etl-extract", db_url_warning(x.opts.db));
	stop_init();
	if ((x.opts.probe ? probe_run(
		&x, argv + optind, (size_t)(argc - optind), &e) :
	    run_stage(
		&x, &fds, argv + optind, (size_t)(argc - optind), &e)) == -1)
		status = err_report(spec->program, &e);
	opt_release(spec, &x.opts);
	stop_raise();
	return status;
}
