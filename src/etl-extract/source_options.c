#include "source_options.h"

#include "options.h"

#include <string.h>

/* CHECKPOINT is a bit beside the KIND_ bits of source_options.h. With
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
