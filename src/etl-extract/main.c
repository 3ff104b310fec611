/* etl-extract reads records from HTTP APIs and from NDJSON files.
 *
 * main.c         reads the options and sets the exit code.
 * extract.h      the options, and what all parts of a run share.
 * run_sources.c  reads the SOURCEs one after the other into the stream.
 * run_each.c     makes a request for each record of standard input (--each).
 * item.h         one JSON text that a source gives.
 * stdout_reader  notices that the reader of standard output has exited.
 * source/        kinds of sources: http_pages (an API page by page), ndjson
 *                (files); source.c is the list of them.
 * page/          paginators, one file each (paginate.c is the list), locators
 *                (where a value is in an answer), and the records of a body.
 * http/          fetch: a request with redirects, retries and credentials;
 *                http: the transport, the only file that includes libcurl;
 *                request, url and uri_template make the URL.
 * cursor/        incremental reads: the stored checkpoint, the bounds of a
 *                request, the comparison of cursor values, the marks. */
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "cursor/cursor.h"
#include "db/db.h"
#include "http/fetch.h"
#include "run.h"

#include <getopt.h>

static const char usage[] =
    "usage: etl-extract [--auth HOW] [--backoff BASE..MAX]\n"
    "                   [--connect-timeout DURATION] [--delay DURATION]\n"
    "                   [--first N] [--format FORMAT] [--header LINE|@FILE]\n"
    "                   [--into TO] [--max-body SIZE] [--max-pages N]\n"
    "                   [--max-record SIZE] [--max-rejects N|N%]\n"
    "                   [--paginate none|page|since] [--query-param K=V]\n"
    "                   [--records POINTER] [--rejects FILE] [--retries N]\n"
    "                   [--secret FROM] [--size NAME=N] [--stream NAME]\n"
    "                   [--timeout DURATION] [--total FROM] SOURCE ...\n"
    "       etl-extract --checkpoint NAME --cursor-field POINTER\n"
    "                   --since-param NAME [--db URL | --state file:PATH]\n"
    "                   [--lookback DURATION|N] [--ordered] [--since VALUE]\n"
    "                   [--start VALUE] [--until VALUE --until-param NAME]\n"
    "                   [option ...] SOURCE\n"
    "       etl-extract --each TEMPLATE [--as FIELD] [--count-as FIELD]\n"
    "                   [--auth HOW] [--backoff BASE..MAX]\n"
    "                   [--connect-timeout DURATION] [--delay DURATION]\n"
    "                   [--header LINE|@FILE] [--max-body SIZE]\n"
    "                   [--max-record SIZE] [--max-rejects N|N%]\n"
    "                   [--query-param K=V] [--records POINTER]\n"
    "                   [--rejects FILE] [--retries N] [--secret FROM]\n"
    "                   [--timeout DURATION]";

#define AT(field) offsetof(struct extract_opts, field)
#define OPT(name, type, field, arg, help) \
	{ name, type, AT(field), arg, help, NULL, 0 }

static const struct opt options[] = {
	OPT("format", OPT_STRING, format, "FORMAT", "of files and -: ndjson"),
	OPT("records", OPT_STRING, records, "POINTER",
	    "where the array of records is"),
	OPT("paginate", OPT_STRING, paginate, "none|page|since",
	    "how pages follow"),
	OPT("into", OPT_STRING, into, "TO",
	    "query:NAME or header:NAME of the page number"),
	OPT("first", OPT_NUMBER, first, "N", "the first page's number (1)"),
	OPT("size", OPT_STRING, size, "NAME=N",
	    "query parameter for the size of a page"),
	OPT("total", OPT_STRING, total, "FROM",
	    "header:NAME or /POINTER of the number of records"),
	OPT("max-pages", OPT_NUMBER, max_pages, "N", "fail if there are more"),
	OPT("query-param", OPT_LIST, params, "K=V", "add a query parameter"),
	OPT("header", OPT_LIST, headers, "LINE|@FILE",
	    "add a header 'K: V', or a file of them"),
	OPT("auth", OPT_STRING, auth, "HOW",
	    "bearer, basic, header:NAME or query:NAME"),
	OPT("secret", OPT_STRING, secret, "FROM",
	    "env:VAR (API_TOKEN), file:PATH or cmd:COMMAND"),
	OPT("delay", OPT_DURATION, delay, "DURATION", "wait between requests"),
	OPT("timeout", OPT_DURATION, timeout, "DURATION",
	    "for a whole request (30s)"),
	OPT("connect-timeout", OPT_DURATION, connect_timeout, "DURATION",
	    "for a connection (10s)"),
	OPTION_RETRIES(AT(retries)),
	OPTION_BACKOFF(AT(backoff)),
	OPT("max-body", OPT_SIZE, max_body, "SIZE",
	    "largest answer taken (32MiB)"),
	OPT("checkpoint", OPT_STRING, checkpoint, "NAME",
	    "read what is new since the checkpoint NAME"),
	OPT("cursor-field", OPT_STRING, cursor_field, "POINTER",
	    "the value in a record that grows"),
	OPT("since-param", OPT_STRING, since_param, "NAME",
	    "query parameter for the lower bound"),
	OPT("start", OPT_STRING, start, "VALUE",
	    "lower bound while no checkpoint is stored"),
	OPT("since", OPT_STRING, since, "VALUE", "lower bound of this run"),
	OPT("lookback", OPT_STRING, lookback, "DURATION|N",
	    "read so much before the checkpoint again"),
	OPT("until", OPT_STRING, until, "VALUE", "upper bound of this run"),
	OPT("until-param", OPT_STRING, until_param, "NAME",
	    "query parameter for the upper bound"),
	OPT("ordered", OPT_FLAG, ordered, NULL,
	    "records come in the order of the cursor"),
	OPTION_STATE(AT(state)),
	OPTION_DB(AT(db)),
	OPT("each", OPT_STRING, each, "TEMPLATE",
	    "make one request for each record of stdin"),
	OPT("as", OPT_STRING, as, "FIELD", "put the answer into this member"),
	OPT("count-as", OPT_STRING, count_as, "FIELD",
	    "put the length of the answer into this member"),
	OPT("stream", OPT_STRING, stream, "NAME", "mark begin and end"),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
	OPTION_MAX_RECORD(AT(max_record)),
};

static const struct opt_spec spec = {
	.program = "etl-extract", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]),
};

static int
extract(struct extract *x, struct stage *s, char *const *uri, size_t n,
    struct err *e)
{
	int rc;

	if (x->opts.each != NULL && n > 0)
		return err_set(e, ERR_USAGE, false,
		    "--each reads records on stdin: no SOURCE");
	if (x->opts.each == NULL && n == 0)
		return err_set(e, ERR_USAGE, false, "no SOURCE: "
		    "give a URL, a file or -");
	if (x->opts.each == NULL &&
	    (x->opts.as != NULL || x->opts.count_as != NULL))
		return err_set(e, ERR_USAGE, false,
		    "--as and --count-as need --each");
	if (x->opts.max_record == 0 || x->opts.max_body == 0)
		return err_set(e, ERR_USAGE, false,
		    "--max-record and --max-body want more than 0");
	if (cursor_check(&x->opts, uri, n, e) == -1)
		return -1;
	rc = x->opts.each != NULL ? run_each(x, s, e) :
	    run_sources(x, s, uri, n, e);
	fetch_close(x->fetch);
	return rc == -1 ? -1 : stage_finish(s, e);
}

/* The stage is there before anything can fail, so that the stages after it
 * hear of it. */
static int
work(struct extract *x, const struct stdfd *fds, char *const *uri, size_t n,
    struct err *e)
{
	const struct stage_conf conf = { .name = "extract",
	    .source = x->opts.each == NULL, .rejects = x->opts.rejects,
	    .max_rejects = x->opts.max_rejects, .stream = x->opts.stream,
	    .checkpoint = x->opts.checkpoint,
	    .lookback = x->opts.lookback != NULL,
	    .max_record = x->opts.max_record, .fds = fds };
	struct stage *s;
	int rc = -1;

	if (stage_open(&s, &conf, e) == -1) {
		stage_fail_early(conf.name, e);
		return -1;
	}
	if (!conf.source || stage_begin(s, e) == 0)
		rc = extract(x, s, uri, n, e);
	if (rc == -1)
		stage_fail(s, e);
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
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec.program, &e);
	r = opt_parse(&spec, &x.opts, argc, argv, &e);
	if (r == OPT_FAILED)
		stage_fail_early("extract", &e);
	if (r != OPT_RUN) {
		opt_release(&spec, &x.opts);
		return opt_answer(&spec, r, &e);
	}
	err_warn("etl-extract", db_url_warning(x.opts.db));
	stop_catch();
	if (work(&x, &fds, argv + optind, (size_t)(argc - optind), &e) == -1)
		status = err_report(spec.program, &e);
	opt_release(&spec, &x.opts);
	stop_die();
	return status;
}
