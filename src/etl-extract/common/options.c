#include "common/options.h"

#include "base/shared_options.h"
#include "stream/lines.h"

#include <string.h>

static const char usage[] =
    "usage: etl-extract [--auth HOW] [--aws-sigv4 PROVIDER]\n"
    "                   [--backoff BASE..MAX] [--body TEXT|@FILE]\n"
    "                   [--cacert FILE] [--capath DIR] [--cert FILE]\n"
    "                   [--client-id ID] [--connect-timeout DURATION]\n"
    "                   [--delay DURATION] [--encoding NAME]\n"
    "                   [--final-newline require] [--first N]\n"
    "                   [--format FORMAT] [--header LINE|@FILE] [--into TO]\n"
    "                   [--jobs N] [--key FILE] [--marked] [--max-body SIZE]\n"
    "                   [--max-pages N] [--max-ratio N]\n"
    "                   [--max-record SIZE] [--max-rejects N|N%]\n"
    "                   [--max-time DURATION]\n"
    "                   [--method NAME] [--more FROM] [--next FROM]\n"
    "                   [--on STATUS=ACTION] [--paginate HOW] [--plain]\n"
    "                   [--proxy URL] [--query-param K=V] [--rate N/s]\n"
    "                   [--record-to DIR]\n"
    "                   [--records POINTER] [--recursive] [--rejects FILE]\n"
    "                   [--replay-from DIR] [--retries N] [--scope TEXT]\n"
    "                   [--secret FROM] [--size NAME=N]\n"
    "                   [--source-file FIELD] [--stream NAME]\n"
    "                   [--timeout DURATION] [--token-url URL]\n"
    "                   [--total FROM] [--unix-socket PATH] SOURCE ...\n"
    "       etl-extract [--columns NAME,...] [--comment TEXT]\n"
    "                   [--delimiter CHAR] [--null TEXT] [--quote CHAR]\n"
    "                   [--skip N] [--types TYPES] [option ...] FILE ...\n"
    "       etl-extract --probe [option ...] URL\n"
    "       etl-extract --checkpoint NAME --cursor-field POINTER\n"
    "                   --since-param NAME [--conditional]\n"
    "                   [--control-schema NAME]\n"
    "                   [--db URL | --state file:PATH]\n"
    "                   [--lookback DURATION|N] [--ordered] [--since VALUE]\n"
    "                   [--start VALUE] [--until VALUE --until-param NAME]\n"
    "                   [option ...] SOURCE\n"
    "       etl-extract --query SQL | --table NAME\n"
    "                   [--checkpoint NAME --cursor-field POINTER]\n"
    "                   [option ...] postgresql://... | sqlite:PATH\n"
    "       etl-extract --new-files --checkpoint NAME\n"
    "                   [--changed reread|tail|fail] [option ...] FILE ...\n"
    "       etl-extract [--checkpoint NAME] [--select NAME]\n"
    "                   [--select-as FIELD] [option ...]\n"
    "                   --singer TAP [ARG ...]\n"
    "       etl-extract --each TEMPLATE [--as FIELD] [--count-as FIELD]\n"
    "                   [--batch-each N [--flush DURATION] [--ids POINTER]\n"
    "                   [--many] [--match FIELD] [--missing null|reject]]\n"
    "                   [--auth HOW] [--aws-sigv4 PROVIDER]\n"
    "                   [--backoff BASE..MAX] [--body TEXT|@FILE]\n"
    "                   [--cacert FILE] [--capath DIR] [--cert FILE]\n"
    "                   [--client-id ID] [--connect-timeout DURATION]\n"
    "                   [--delay DURATION] [--header LINE|@FILE]\n"
    "                   [--jobs N] [--key FILE] [--marked] [--max-body SIZE]\n"
    "                   [--max-ratio N] [--max-record SIZE]\n"
    "                   [--max-rejects N|N%] [--max-time DURATION]\n"
    "                   [--method NAME] [--on STATUS=ACTION] [--proxy URL]\n"
    "                   [--query-param K=V] [--rate N/s] [--record-to DIR]\n"
    "                   [--records POINTER] [--rejects FILE]\n"
    "                   [--replay-from DIR] [--retries N] [--scope TEXT]\n"
    "                   [--secret FROM] [--stage NAME] [--timeout DURATION]\n"
    "                   [--token-url URL] [--unix-socket PATH]";

#define AT(field) offsetof(struct extract_opts, field)
#define OPT(name, type, field, arg, help) \
	{ name, type, AT(field), arg, help, NULL, 0 }

static const struct opt options[] = {
	OPT("format", OPT_STRING, format, "FORMAT",
	    "csv, tsv, json, ndjson or singer: format of files and stdin"),
	OPT("new-files", OPT_FLAG, new_files, NULL,
	    "read only files that are new or changed"),
	OPT("changed", OPT_STRING, changed, "reread|tail|fail",
	    "--new-files: how to treat a file that has changed"),
	OPT("recursive", OPT_FLAG, recursive, NULL,
	    "also read the directories in a directory"),
	OPT("jobs", OPT_COUNT, jobs, "N",
	    "read N files, or make N requests, at once (default: 1)"),
	OPT("encoding", OPT_STRING, encoding, "NAME",
	    "of files: as for iconv(1), or auto:NAME (default: UTF-8)"),
	OPT("final-newline", OPT_STRING, final_newline, "require",
	    "a file that does not end with a newline is incomplete"),
	OPT("max-ratio", OPT_COUNT, max_ratio, "N",
	    "longest text from N times less compressed data (default: 200)"),
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
	OPT("probe", OPT_FLAG, probe, NULL,
	    "print the command that reads all pages of a URL"),
	OPT("records", OPT_STRING, records, "POINTER",
	    "JSON Pointer to the array of records"),
	OPT("paginate", OPT_STRING, paginate, "HOW",
	    "none (default), page, offset, cursor, link or since"),
	OPT("into", OPT_STRING, into, "TO",
	    "query:NAME, header:NAME, body:/POINTER or url"),
	OPT("next", OPT_STRING, next, "FROM",
	    "read the next cursor from /POINTER, last:/POINTER, ..."),
	OPT("more", OPT_STRING, more, "FROM",
	    "stop if the value at this place is false"),
	OPT("first", OPT_NUMBER, first, "N",
	    "number of the first page (1) or first offset (0)"),
	OPT("size", OPT_STRING, size, "NAME=N",
	    "request N records per page: query parameter NAME"),
	OPT("total", OPT_STRING, total, "FROM",
	    "read the total from header:NAME or /POINTER"),
	OPT("max-pages", OPT_NUMBER, max_pages, "N",
	    "fail if there may be more than N pages"),
	OPT("method", OPT_STRING, method, "NAME",
	    "method of the requests (default: GET)"),
	OPT("body", OPT_STRING, body, "TEXT|@FILE",
	    "send this body with each request; the method is POST"),
	OPT("query-param", OPT_LIST, params, "K=V",
	    "add a query parameter to each URL"),
	OPT("header", OPT_LIST, headers, "LINE|@FILE",
	    "add the header 'K: V', or all headers of FILE"),
	OPT("auth", OPT_STRING, auth, "HOW",
	    "bearer, basic, header:NAME, query:NAME or oauth2"),
	OPT("secret", OPT_STRING, secret, "FROM",
	    "env:VAR, file:PATH or cmd:COMMAND (default: env:API_TOKEN)"),
	OPT("token-url", OPT_STRING, token_url, "URL",
	    "where --auth oauth2 fetches its token"),
	OPT("client-id", OPT_STRING, client_id, "ID",
	    "id of the client for --auth oauth2"),
	OPT("scope", OPT_STRING, scope, "TEXT",
	    "scope of the token of --auth oauth2"),
	OPT("aws-sigv4", OPT_STRING, aws_sigv4, "PROVIDER",
	    "sign the requests, for example aws:amz:us-east-1:s3"),
	OPT("record-to", OPT_STRING, record_to, "DIR",
	    "write each answer to a file in DIR, without secrets"),
	OPT("replay-from", OPT_STRING, replay_from, "DIR",
	    "read the answers of --record-to in place of the service"),
	OPT("on", OPT_LIST, on, "STATUS=ACTION",
	    "fail, retry, ignore or reject if an answer has STATUS"),
	OPT("rate", OPT_STRING, rate, "N/s",
	    "make at most N requests a second (/m: a minute, /h: an hour)"),
	OPT("delay", OPT_DURATION, delay, "DURATION",
	    "wait this long between requests"),
	OPT("timeout", OPT_DURATION, timeout, "DURATION",
	    "time limit of a whole request (default: 30s)"),
	OPT("connect-timeout", OPT_DURATION, connect_timeout, "DURATION",
	    "time limit of connecting (default: 10s)"),
	OPT("max-time", OPT_DURATION, max_time, "DURATION",
	    "time limit of all requests of the run together"),
	OPT("cacert", OPT_STRING, cacert, "FILE",
	    "trust the certificate authorities in FILE"),
	OPT("capath", OPT_STRING, capath, "DIR",
	    "trust the certificate authorities in DIR"),
	OPT("cert", OPT_STRING, cert, "FILE",
	    "certificate that this client shows (PEM)"),
	OPT("key", OPT_STRING, key, "FILE",
	    "private key of the certificate of --cert (PEM)"),
	OPT("proxy", OPT_STRING, proxy, "URL",
	    "send the requests to this proxy"),
	OPT("unix-socket", OPT_STRING, unix_socket, "PATH",
	    "connect to this socket, whatever host the URL names"),
	OPTION_RETRIES(AT(retries)),
	OPTION_BACKOFF(AT(backoff)),
	OPT("max-body", OPT_SIZE, max_body, "SIZE",
	    "largest answer of --each and --probe (default: 32MiB)"),
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
	OPT("conditional", OPT_FLAG, conditional, NULL,
	    "read nothing if the first page is unchanged (status 304)"),
	OPT("query", OPT_STRING, query, "SQL",
	    "read the rows of this query of a database"),
	OPT("table", OPT_STRING, table, "NAME",
	    "read the rows of this table of a database"),
	OPT("select", OPT_LIST, select, "NAME",
	    "Singer: read only this stream; may be given many times"),
	OPT("select-as", OPT_STRING, select_as, "FIELD",
	    "Singer: add the name of the stream to each record"),
	OPT("singer", OPT_COMMAND, singer, NULL,
	    "last option: read from the Singer tap that follows"),
	OPTION_STATE(AT(state)),
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	OPT("each", OPT_STRING, each, "TEMPLATE",
	    "make one request for each record of stdin"),
	OPT("as", OPT_STRING, as, "FIELD",
	    "add the answer to the record as this member"),
	OPT("count-as", OPT_STRING, count_as, "FIELD",
	    "add the number of records in the answer"),
	OPT("batch-each", OPT_COUNT, batch_each, "N",
	    "make one request for N records of stdin"),
	OPT("ids", OPT_STRING, ids, "POINTER",
	    "--batch-each: where a record has its id (default: /id)"),
	OPT("match", OPT_STRING, match, "FIELD",
	    "--batch-each: member with the id in the answer (default: id)"),
	OPT("missing", OPT_STRING, missing, "null|reject",
	    "--batch-each: what to do without an answer (default: reject)"),
	OPT("many", OPT_FLAG, many, NULL,
	    "--batch-each: add all answers of a record, as an array"),
	OPT("flush", OPT_DURATION, flush, "DURATION",
	    "--batch-each: longest wait for N records (default: 1s)"),
	OPT("stream", OPT_STRING, stream, "NAME",
	    "write a marked stream with this name"),
	OPTION_STAGE(AT(stage)),
	OPTION_MARKED(AT(marked)),
	OPTION_PLAIN(AT(plain)),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
	OPTION_MAX_RECORD(AT(max_record)),
};

_Static_assert(sizeof(options) / sizeof(options[0]) <= EXTRACT_OPTIONS_MAX,
    "is_given[] has a place for each option");

const struct opt_spec extract_option_spec = {
	.program = "etl-extract", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]), .is_given = AT(is_given),
};

const struct extract_opts extract_option_defaults = {
	.first = FIRST_NOT_GIVEN, .flush = FLUSH_NOT_GIVEN, .timeout = 30000,
	.connect_timeout = 10000,
	.retries = 3, .max_body = 32 << 20, .max_record = LINES_MAX,
	.max_ratio = 200,
};

/* CHECKPOINT is a bit beside the KIND_ bits of options.h. With
 * --checkpoint, etl-extract may use a database for any kind of source, so
 * --retries and --backoff are then permitted. */
enum { CHECKPOINT = 256, NAMES_MAX = 32 };

/* Options that may be used with the same kinds of sources. An option that is in
 * no group may be used with all kinds. */
struct group {
	unsigned kinds;
	const char *what;       /* what the options are for; part of the
				 * message */
	const char *names[NAMES_MAX];   /* the options; the rest is NULL */
};

static const struct group groups[] = {
	{ KIND_HTTP, "a SOURCE that is a URL of HTTP (http://...)",
	    { "paginate", "into", "next", "more", "first", "size", "total",
	    "max-pages", "since-param", "until-param", "conditional" } },
	{ KIND_HTTP | KIND_HTTP_FILE | KIND_EACH,
	    "requests of HTTP: give a URL (http://...) "
	    "or --each TEMPLATE",
	    { "method", "body", "query-param", "header", "auth", "secret",
	    "token-url", "client-id", "scope", "aws-sigv4", "record-to",
	    "replay-from", "on", "rate", "delay", "timeout",
	    "connect-timeout", "max-time", "cacert", "capath", "cert", "key",
	    "proxy", "unix-socket", "max-body" } },
	{ KIND_HTTP | KIND_HTTP_FILE | KIND_SQL | KIND_EACH | CHECKPOINT,
	    "URLs of HTTP, for databases and for --checkpoint",
	    { "retries", "backoff" } },
	{ KIND_HTTP | KIND_SQL, "URLs of HTTP and for databases",
	    { "cursor-field", "start", "since", "lookback", "until",
	    "ordered" } },
	{ KIND_SQL, "a SOURCE that is a database: postgresql://HOST/NAME or "
	    "sqlite:PATH",
	    { "query", "table" } },
	{ KIND_SINGER_FILE | KIND_TAP, "Singer messages: give --singer TAP, or "
	    "--format singer for a file",
	    { "select", "select-as" } },
	{ KIND_CSV, "CSV and TSV files, but no SOURCE is one: if one is, give "
	    "--format csv",
	    { "columns", "comment", "delimiter", "null", "quote", "skip",
	    "types" } },
	{ KIND_FILES, "files: no SOURCE is one",
	    { "format", "encoding", "final-newline", "source-file",
	    "recursive", "new-files", "changed" } },
	{ KIND_FILES | KIND_HTTP | KIND_EACH,
	    "files and for requests of HTTP: no SOURCE needs it",
	    { "jobs", "max-ratio" } },
	{ KIND_JSON | KIND_HTTP | KIND_EACH, "JSON files and for URLs: no "
	    "SOURCE is one of them",
	    { "records" } },
	{ KIND_FILES | KIND_EACH, "standard input", { "marked", "plain" } },
	{ KIND_EACH, "records of standard input", { "each" } },
};

static bool
has_name(const struct group *g, const char *name)
{
	for (size_t i = 0; i < NAMES_MAX && g->names[i] != NULL; i++)
		if (strcmp(g->names[i], name) == 0)
			return true;
	return false;
}

static int
fail_wrong_source(const char *name, const char *what, unsigned kinds,
    struct err *e)
{
	if (kinds == KIND_TAP || kinds == KIND_EACH)
		return err_set(e, ERR_USAGE, false, "--%s cannot be used with "
		    "%s: remove it", name,
		    kinds == KIND_TAP ? "--singer" : "--each");
	return err_set(e, ERR_USAGE, false, "--%s can be used only for %s%s",
	    name, what, (kinds & KIND_HTTP_FILE) == 0 ? "" :
	    "; a URL with --format or the suffix of a file is read as a file");
}

int
source_options_check(
    const struct extract_opts *o, unsigned kinds, struct err *e)
{
	const unsigned all = kinds | (o->checkpoint != NULL ? CHECKPOINT : 0);
	const struct opt_spec *spec = &extract_option_spec;

	for (size_t i = 0; i < spec->n; i++) {
		const char *name = spec->opts[i].name;

		for (size_t g = 0; o->is_given[i] &&
		    g < sizeof(groups) / sizeof(groups[0]); g++)
			if (has_name(&groups[g], name) &&
			    (groups[g].kinds & all) == 0)
				return fail_wrong_source(name, groups[g].what,
				    kinds, e);
	}
	return 0;
}
