/* etl-extract reads records from HTTP APIs, databases and files.
 *
 * main.c         reads the options and sets the exit code.
 * extract.h      the options, and the state that all parts of a run share.
 * run_sources.c  reads the SOURCEs one after the other and writes the stream.
 * run_each.c     makes a request for each record of standard input (--each).
 * run_replay.c   reads the bytes of letters in a replay on standard input.
 * item_writer.c  checks an element and writes it as a record or a reject.
 * item.h         one element that a source has read, usually a record.
 * ahead.c        child processes that make records ahead (--jobs).
 * scheme.c       tells a URL from the name of a file.
 * stdout_reader  notices that the reader of standard output has exited.
 * source/        kinds of sources: http_pages reads an HTTP API page by page,
 *                ndjson, csv and json read files, sql the rows of a query;
 *                source.c has the list of them.
 * file/          the list of files; the bytes of a file, decompressed and
 *                converted to UTF-8.
 * document/      the records in JSON text that arrives in pieces.
 * csv/           records, columns and types of CSV files.
 * sql/           databases as sources; the parameters of a query.
 * new_files/     --new-files: which files are new, and the marks for them.
 * replay/        finds a replay on standard input; the record of a raw mark.
 * page/          paginators, one file each (paginate.c has the list); locators
 *                (where a value is in an answer); the records of a body.
 * http/          fetch: a request with redirects, retries and credentials;
 *                http: the transport, with libcurl; request makes the URL.
 * cursor/        incremental runs: the stored checkpoint, the bounds of a
 *                request, the comparison of cursor values, the marks. */
#include "base/core_dump.h"
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "cursor/cursor.h"
#include "db/db.h"
#include "http/fetch.h"
#include "new_files/new_files.h"
#include "replay/replay_stdin.h"
#include "run.h"
#include "stream/record_options.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
    "usage: etl-extract [--auth HOW] [--backoff BASE..MAX]\n"
    "                   [--connect-timeout DURATION] [--delay DURATION]\n"
    "                   [--encoding NAME] [--first N] [--format FORMAT]\n"
    "                   [--header LINE|@FILE] [--into TO] [--jobs N]\n"
    "                   [--max-body SIZE] [--max-pages N]\n"
    "                   [--max-record SIZE] [--max-rejects N|N%]\n"
    "                   [--paginate none|page|since] [--plain]\n"
    "                   [--query-param K=V]\n"
    "                   [--records POINTER] [--recursive] [--rejects FILE]\n"
    "                   [--retries N] [--secret FROM] [--size NAME=N]\n"
    "                   [--source-file FIELD] [--stream NAME]\n"
    "                   [--timeout DURATION] [--total FROM] SOURCE ...\n"
    "       etl-extract [--columns NAME,...] [--comment TEXT]\n"
    "                   [--delimiter CHAR] [--null TEXT] [--quote CHAR]\n"
    "                   [--skip N] [--types TYPES] [option ...] FILE ...\n"
    "       etl-extract --checkpoint NAME --cursor-field POINTER\n"
    "                   --since-param NAME [--db URL | --state file:PATH]\n"
    "                   [--lookback DURATION|N] [--ordered] [--since VALUE]\n"
    "                   [--start VALUE] [--until VALUE --until-param NAME]\n"
    "                   [option ...] SOURCE\n"
    "       etl-extract --query SQL | --table NAME\n"
    "                   [--checkpoint NAME --cursor-field POINTER]\n"
    "                   [option ...] postgresql://... | sqlite:PATH\n"
    "       etl-extract --new-files --checkpoint NAME\n"
    "                   [--changed reread|tail|fail] [option ...] FILE ...\n"
    "       etl-extract --each TEMPLATE [--as FIELD] [--count-as FIELD]\n"
    "                   [--auth HOW] [--backoff BASE..MAX]\n"
    "                   [--connect-timeout DURATION] [--delay DURATION]\n"
    "                   [--header LINE|@FILE] [--max-body SIZE]\n"
    "                   [--max-record SIZE] [--max-rejects N|N%]\n"
    "                   [--query-param K=V] [--records POINTER]\n"
    "                   [--rejects FILE] [--retries N] [--secret FROM]\n"
    "                   [--stage NAME] [--timeout DURATION]";

#define AT(field) offsetof(struct extract_opts, field)
#define OPT(name, type, field, arg, help) \
	{ name, type, AT(field), arg, help, NULL, 0 }

static const struct opt options[] = {
	OPT("format", OPT_STRING, format, "FORMAT",
	    "csv, tsv, json or ndjson: format of files and stdin"),
	OPT("new-files", OPT_FLAG, new_files, NULL,
	    "read only files that are new or changed"),
	OPT("changed", OPT_STRING, changed, "reread|tail|fail",
	    "--new-files: how to treat a file that has changed"),
	OPT("recursive", OPT_FLAG, recursive, NULL,
	    "also read the directories in a directory"),
	OPT("jobs", OPT_COUNT, jobs, "N",
	    "read files with N processes at once (default: 1)"),
	OPT("encoding", OPT_STRING, encoding, "NAME",
	    "encoding of files, as for iconv(1) (default: UTF-8)"),
	OPT("source-file", OPT_STRING, source_file, "FIELD",
	    "add the name of the file to each record"),
	OPT("columns", OPT_STRING, columns, "NAME,...",
	    "CSV: names of the columns; the files have no header"),
	OPT("comment", OPT_STRING, comment, "TEXT",
	    "CSV: skip lines that start with TEXT"),
	OPT("delimiter", OPT_STRING, delimiter, "CHAR",
	    "CSV: the character between fields (default: , or tab)"),
	OPT("null", OPT_STRING, null, "TEXT",
	    "CSV: a field TEXT without quotes is null"),
	OPT("quote", OPT_STRING, quote, "CHAR",
	    "CSV: the quote character (default: \"); '' for none"),
	OPT("skip", OPT_NUMBER, skip, "N",
	    "CSV: skip the first N lines of each file"),
	OPT("types", OPT_STRING, types, "TYPES",
	    "CSV: auto, or NAME:text|int|number|bool|time,..."),
	OPT("records", OPT_STRING, records, "POINTER",
	    "JSON Pointer to the array of records"),
	OPT("paginate", OPT_STRING, paginate, "none|page|since",
	    "how to request the next page (default: none)"),
	OPT("into", OPT_STRING, into, "TO",
	    "put the page number into query:NAME or header:NAME"),
	OPT("first", OPT_NUMBER, first, "N",
	    "number of the first page (default: 1)"),
	OPT("size", OPT_STRING, size, "NAME=N",
	    "request N records per page: query parameter NAME"),
	OPT("total", OPT_STRING, total, "FROM",
	    "read the total from header:NAME or /POINTER"),
	OPT("max-pages", OPT_NUMBER, max_pages, "N",
	    "fail if there may be more than N pages"),
	OPT("query-param", OPT_LIST, params, "K=V",
	    "add a query parameter to each URL"),
	OPT("header", OPT_LIST, headers, "LINE|@FILE",
	    "add the header 'K: V', or all headers of FILE"),
	OPT("auth", OPT_STRING, auth, "HOW",
	    "send the secret: bearer, basic, header:NAME, query:NAME"),
	OPT("secret", OPT_STRING, secret, "FROM",
	    "env:VAR, file:PATH or cmd:COMMAND (default: env:API_TOKEN)"),
	OPT("delay", OPT_DURATION, delay, "DURATION",
	    "wait this long between requests"),
	OPT("timeout", OPT_DURATION, timeout, "DURATION",
	    "time limit of a whole request (default: 30s)"),
	OPT("connect-timeout", OPT_DURATION, connect_timeout, "DURATION",
	    "time limit of connecting (default: 10s)"),
	OPTION_RETRIES(AT(retries)),
	OPTION_BACKOFF(AT(backoff)),
	OPT("max-body", OPT_SIZE, max_body, "SIZE",
	    "largest answer of --each (default: 32MiB)"),
	OPT("checkpoint", OPT_STRING, checkpoint, "NAME",
	    "read only what is new since the checkpoint NAME"),
	OPT("cursor-field", OPT_STRING, cursor_field, "POINTER",
	    "JSON Pointer to the cursor in a record"),
	OPT("since-param", OPT_STRING, since_param, "NAME",
	    "query parameter for the lower bound"),
	OPT("start", OPT_STRING, start, "VALUE",
	    "lower bound while no checkpoint is stored"),
	OPT("since", OPT_STRING, since, "VALUE",
	    "lower bound of this run, whatever is stored"),
	OPT("lookback", OPT_STRING, lookback, "DURATION|N",
	    "start this much before the stored checkpoint"),
	OPT("until", OPT_STRING, until, "VALUE", "upper bound of this run"),
	OPT("until-param", OPT_STRING, until_param, "NAME",
	    "query parameter for the upper bound"),
	OPT("ordered", OPT_FLAG, ordered, NULL,
	    "the service sorts by the cursor, ascending"),
	OPT("query", OPT_STRING, query, "SQL",
	    "read the rows of this query of a database"),
	OPT("table", OPT_STRING, table, "NAME",
	    "read the rows of this table of a database"),
	OPTION_STATE(AT(state)),
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	OPT("each", OPT_STRING, each, "TEMPLATE",
	    "make one request for each record of stdin"),
	OPT("as", OPT_STRING, as, "FIELD",
	    "add the answer to the record as this member"),
	OPT("count-as", OPT_STRING, count_as, "FIELD",
	    "add the number of records in the answer"),
	OPT("stream", OPT_STRING, stream, "NAME",
	    "write a marked stream with this name"),
	OPTION_STAGE(AT(stage)),
	OPTION_PLAIN(AT(plain)),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
	OPTION_MAX_RECORD(AT(max_record)),
};

static const struct opt_spec spec = {
	.program = "etl-extract", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]),
};

/* In a replay the records come from letters, so the options of incremental
 * runs, which say what to read, have no effect. */
static int
run(struct extract *x, struct stage *s, char *const *uri, size_t n,
    bool replays, struct err *e)
{
	if (replays)
		return run_replay(x, s, e);
	if (new_files_check_options(&x->opts, uri, n, e) == -1 ||
	    (!x->opts.new_files &&
		cursor_check_options(&x->opts, uri, n, e) == -1))
		return -1;
	return x->opts.each != NULL ? run_each(x, s, e) :
	    run_sources(x, s, uri, n, e);
}

static int
check_extract_and_finish_stage(struct extract *x, struct stage *s,
    char *const *uri, size_t n, bool replays, struct err *e)
{
	enum json_members members;
	int rc;

	if (x->opts.each != NULL && n > 0)
		return err_set(e, ERR_USAGE, false,
		    "--each reads records from standard input: remove the "
		    "SOURCE");
	if (x->opts.each == NULL && n == 0)
		return err_set(e, ERR_USAGE, false, "no SOURCE: give a URL, a "
		    "file, or - for standard input");
	if (x->opts.each == NULL &&
	    (x->opts.as != NULL || x->opts.count_as != NULL))
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as need --each TEMPLATE");
	if (x->opts.each == NULL && x->opts.stage != NULL)
		return err_set(e, ERR_USAGE, false, "--stage needs --each "
		    "TEMPLATE: to name the stream of a SOURCE give --stream");
	if (record_options_check(x->opts.max_record, NULL, &members, e) == -1)
		return -1;
	if (x->opts.max_body == 0)
		return err_set(e, ERR_USAGE, false,
		    "--max-body must be more than 0");
	rc = run(x, s, uri, n, replays, e);
	fetch_close(x->fetch);
	return rc == -1 ? -1 : stage_finish(s, e);
}

/* Runs etl-extract as one program of a pipeline. Its output stream is opened
 * before anything else can fail. So every failure can be written to the stream
 * as the line (mark) `failed`, which tells the later programs of the pipeline
 * why no more records come. */
static int
run_stage_or_write_failed_mark(struct extract *x, const struct stdfd *fds,
    char *const *uri, size_t n, struct err *e)
{
	const int replays = x->opts.each == NULL && !x->opts.plain &&
	    n == 1 && strcmp(uri[0], "-") == 0 ? replay_is_on_stdin(e) : 0;
	const struct stage_conf conf = { .name = "extract",
	    .stage = x->opts.stage, .first_source = n > 0 ? uri[0] : NULL,
	    .source = x->opts.each == NULL && replays == 0, .reads_raw = true,
	    .plain = x->opts.each != NULL && x->opts.plain,
	    .rejects = x->opts.rejects,
	    .max_rejects = x->opts.max_rejects, .stream = x->opts.stream,
	    .checkpoint = x->opts.checkpoint,
	    .lookback = x->opts.lookback != NULL,
	    .max_record = x->opts.max_record, .fds = fds };
	struct stage *s;
	int rc = -1;

	if (replays == -1 || stage_open(&s, &conf, e) == -1) {
		stage_write_failed_mark_early(conf.name, e);
		return -1;
	}
	if (!conf.source || stage_start_marked_or_plain_source(s, e) == 0)
		rc = check_extract_and_finish_stage(
		    x, s, uri, n, replays == 1, e);
	if (rc == -1)
		stage_flush_and_write_failed_mark(s, e);
	stage_close(s);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct extract x = { .opts = { .first = 1, .timeout = 30000,
	    .connect_timeout = 10000, .retries = 3, .max_body = 32 << 20,
	    .max_record = LINES_MAX } };
	struct err e = { 0 };
	struct stdfd fds;
	enum opt_result r;
	int status = 0;

	memory_init();
	core_dump_forbid_also_in_commands();
	if (stdfd_check_rejects_and_fill_closed(&fds, &e) == -1)
		return err_report(spec.program, &e);
	r = opt_parse_env_and_argv(&spec, &x.opts, argc, argv, &e);
	if (r == OPT_FAILED)
		stage_write_failed_mark_early("extract", &e);
	if (r != OPT_RUN) {
		opt_release(&spec, &x.opts);
		return opt_print_result(&spec, r, &e);
	}
	err_warn("etl-extract", db_warning_if_url_has_password(x.opts.db));
	stop_install_handlers_ignore_sigpipe();
	if (run_stage_or_write_failed_mark(
		&x, &fds, argv + optind, (size_t)(argc - optind), &e) == -1)
		status = err_report(spec.program, &e);
	opt_release(&spec, &x.opts);
	stop_raise_signal_if_received();
	return status;
}
