/* etl-dlq works with dead letters ("letters"): rejected records that are
 * stored in the database.
 *
 * main.c           reads the options, finds the sub-command, and opens the
 *                  database; the options that select letters, such as --stage.
 * show             list, show and stats print letters, and the bytes of each
 *                  rejection of a letter.
 * letter_json      prints a letter as JSON; export.
 * put              stores reject lines as letters.
 * replay           writes the records of letters, to be loaded again.
 * close_commands   resolve, discard, erase and purge. */
#include "base/datetime.h"
#include "base/opt.h"
#include "base/process.h"
#include "base/shared_options.h"
#include "base/stop.h"
#include "base/text.h"
#include "control/control.h"
#include "dlq.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int
dlq_open_database(struct dlq *d, struct err *e)
{
	if (control_open_tables(&d->db, d->opts->db, d->opts->control_schema,
	    false, e) == -1)
		return -1;
	return letter_filter_run(d->db, &d->selection.filter, e);
}

/* If no letter has the code, stage, stream, target or pipeline that the user
 * has given, prints the most similar one in the database. */
static int
suggest_value(const struct dlq *d, const char *command, const char *option,
    const char *value, struct err *e)
{
	struct suggestion near = { .typed = value };
	struct db_value v = db_text(option);
	struct db_rows *r;
	bool known = false;
	int rc;

	if (value == NULL)
		return 0;
	if (db_query(d->db, &r, db_sql(d->db, SQL_LETTERS_WORDS), &v, 1,
	    e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		known |= strcmp(db_column(r, 0).p, value) == 0;
		suggest_try(&near, db_column(r, 0).p);
	}
	db_end(r);
	if (rc == 0 && !known && near.word[0] != '\0')
		err_warnf("etl-dlq", "%s: no letter has the %s %s; did you "
		    "mean %s?", command, option, value, near.word);
	return rc;
}

int
dlq_print_no_match(const struct dlq *d, const char *command, struct err *e)
{
	const struct letter_filter *f = &d->selection.filter;
	const struct { const char *option, *value; } words[] = {
		{ "code", f->code }, { "stage", f->stage },
		{ "stream", f->stream }, { "target", f->target },
		{ "pipeline", f->pipeline },
	};

	if (strcmp(command, "replay") == 0 || isatty(STDERR_FILENO) == 1)
		err_printf("etl-dlq: %s: no %s%sletter in %s "
		    "matches\n", command, f->status != NULL ? f->status : "",
		    f->status != NULL ? " " : "", db_name(d->db));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (suggest_value(d, command, words[i].option, words[i].value,
		    e) == -1)
			return -1;
	return 0;
}

/* Reads a fraction such as ".5" as microseconds; ignores digits after the
 * sixth. */
static const char *
read_fraction(const char *p, int *micros)
{
	int unit = 100000;

	*micros = 0;
	if (*p != '.')
		return p;
	while (*++p >= '0' && *p <= '9') {
		*micros += unit * (*p - '0');
		unit /= 10;
	}
	return p;
}

static int
parse_date(char out[CLOCK_STAMP], const char *text)
{
	struct tm tm = { 0 };
	const char *p = strptime(text, "%Y-%m-%d", &tm);
	int micros = 0, east = 0;

	if (p == NULL || p - text != 10)
		return -1;
	if (tm.tm_mday > calendar_month_days(tm.tm_year + 1900, tm.tm_mon + 1))
		return -1;
	if (*p != '\0') {
		if (strchr("Tt ", *p) == NULL ||
		    (p = strptime(p + 1, "%H:%M:%S", &tm)) == NULL)
			return -1;
		p = read_fraction(p, &micros);
		if (!zone_read(&east, p, strlen(p), DATETIME_LOWER))
			return -1;
	}
	clock_format(out, timegm(&tm) - east, micros);
	return 0;
}

void
put_time_ago(char out[CLOCK_STAMP], uint64_t ms)
{
	struct timespec now = { 0, 0 };
	int64_t then;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	then = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	then = ms < (uint64_t)then ? then - (int64_t)ms : 0;
	clock_format(out, then / 1000, (int)(then % 1000) * 1000);
}

/* Converts a time as users write it (2026-05-30, 2026-05-30T12:00:00+02:00, or
 * 2d: two days ago) to a stamp. Fails: ERR_USAGE. */
static int
time_option_parse(char out[CLOCK_STAMP], const char *option, const char *text,
    struct err *e)
{
	uint64_t ago;

	if (duration_parse(&ago, text) == 0) {
		put_time_ago(out, ago);
		return 0;
	}
	if (parse_date(out, text) == 0)
		return 0;
	return err_set(e, ERR_USAGE, false, "%s %s: the value must be a time "
	    "such as 2026-05-30, 2026-05-30T12:00:00Z or 2d", option, text);
}

/* Sets *out to the status, or to NULL for any. */
static int
parse_status(const char **out, const char *text, const char *default_status,
    struct err *e)
{
	static const char *const known[] = { "open", "resolved", "discarded",
		"any", NULL };
	int found;

	if (text == NULL)
		text = default_status != NULL ? default_status : "any";
	found = suggest_choice("--status", text, known, e);
	*out = found == -1 || strcmp(known[found], "any") == 0 ? NULL :
	    known[found];
	return found == -1 ? -1 : 0;
}

/* default_status is used if --status is not given; NULL means any status. */
static int
selection_init(struct selection *s, const struct dlq_opts *o,
    const char *default_status, struct err *e)
{
	*s = (struct selection){ .filter = { .stage = o->stage,
	    .code = o->code, .pipeline = o->pipeline, .run = o->run,
	    .stream = o->stream, .target = o->target,
	    .pointer = o->pointer, .like = o->like, .limit = o->limit } };
	if (parse_status(&s->filter.status, o->status, default_status, e) == -1)
		return -1;
	if (o->since != NULL) {
		if (time_option_parse(s->since, "--since", o->since, e) == -1)
			return -1;
		s->filter.since = s->since;
	}
	if (o->until != NULL) {
		if (time_option_parse(s->until, "--until", o->until, e) == -1)
			return -1;
		s->filter.until = s->until;
	}
	return 0;
}

static const char usage[] =
    "usage: etl-dlq put [--bad FILE] [--control-schema NAME] [--db URL]\n"
    "           [FILE ...]\n"
    "       etl-dlq list [--control-schema NAME] [--db URL] [--json]\n"
    "           [--limit N] [selection]\n"
    "       etl-dlq show [--control-schema NAME] [--db URL] [--json | --raw]\n"
    "           ID ...\n"
    "       etl-dlq stats [--control-schema NAME] [--db URL] [--json]\n"
    "           [--limit N] [selection]\n"
    "       etl-dlq replay [--control-schema NAME] [--db URL] [--limit N]\n"
    "           [--max-attempts N] [--max-record SIZE] [--once] [selection]\n"
    "       etl-dlq replay [--control-schema NAME] [--db URL]\n"
    "           [--max-attempts N] [--max-record SIZE] [--once] ID ...\n"
    "       etl-dlq export [--control-schema NAME] [--db URL] [--limit N]\n"
    "           [selection]\n"
    "       etl-dlq resolve [--control-schema NAME] [--db URL] ID ...\n"
    "       etl-dlq discard [--control-schema NAME] [--db URL]\n"
    "           [--reason TEXT] ID ...\n"
    "       etl-dlq erase [--control-schema NAME] [--db URL] ID ...\n"
    "       etl-dlq purge [--control-schema NAME] [--db URL]\n"
    "           --older-than DURATION [--open] [selection]";

#define AT(field) offsetof(struct dlq_opts, field)
static const struct opt options[] = {
	{ "bad", OPT_STRING, AT(bad), "FILE",
	    "append lines that cannot be stored to FILE", NULL, 0 },
	{ "code", OPT_STRING, AT(code), "CODE",
	    "select: rejected with this code", NULL, 0 },
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	{ "json", OPT_FLAG, AT(json), NULL,
	    "write a JSON object for each letter or cause", NULL, 0 },
	{ "like", OPT_STRING, AT(like), "TEXT",
	    "select: message or record contains this text", NULL, 0 },
	{ "limit", OPT_COUNT, AT(limit), "N",
	    "only the oldest N letters, or the N largest causes", NULL, 0 },
	{ "max-attempts", OPT_COUNT, AT(max_attempts), "N",
	    "leave out letters that were rejected N times or more", NULL, 0 },
	{ "max-record", OPT_SIZE, AT(max_record), "SIZE",
	    "leave out longer records (default: 16MiB)", NULL, 0 },
	{ "older-than", OPT_DURATION, AT(older_than), "DURATION",
	    "purge letters that were closed longer ago", NULL, 0 },
	{ "once", OPT_FLAG, AT(once), NULL,
	    "replay each record once, even if it came several times", NULL,
	    0 },
	{ "open", OPT_FLAG, AT(open), NULL,
	    "purge open letters too", NULL, 0 },
	{ "pipeline", OPT_STRING, AT(pipeline), "NAME",
	    "select: rejected in this pipeline", NULL, 0 },
	{ "pointer", OPT_STRING, AT(pointer), "POINTER",
	    "select: rejected because of this field, or one in it", NULL, 0 },
	{ "raw", OPT_FLAG, AT(raw), NULL,
	    "write only the record, byte for byte", NULL, 0 },
	{ "reason", OPT_STRING, AT(reason), "TEXT",
	    "the reason, stored with the letter", NULL, 0 },
	{ "run", OPT_STRING, AT(run), "ID",
	    "select: rejected in this run", NULL, 0 },
	{ "since", OPT_STRING, AT(since), "TIME",
	    "select: last rejected at or after this time", NULL, 0 },
	{ "stage", OPT_STRING, AT(stage), "NAME",
	    "select: rejected by this stage", NULL, 0 },
	{ "status", OPT_STRING, AT(status), "STATUS",
	    "select: open, resolved, discarded or any", NULL, 0 },
	{ "stream", OPT_STRING, AT(stream), "NAME",
	    "select: rejected in this stream", NULL, 0 },
	{ "target", OPT_STRING, AT(target), "TABLE",
	    "select: rejected by the loader of this table", NULL, 0 },
	{ "until", OPT_STRING, AT(until), "TIME",
	    "select: last rejected before this time", NULL, 0 },
};
#undef AT

static const struct opt_spec spec = {
	.program = "etl-dlq", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0])
};

/* Flags for the member `takes` of struct command: the groups of options that a
 * sub-command accepts. PARTS is not such a group: it marks a sub-command that
 * commits its work in parts. If a stop signal ends this sub-command, it prints
 * how much was done. */
enum takes { SELECTION = 1, LIMIT = 2, JSON = 4, RAW = 8, REPLAY = 16,
	REASON = 32, STATUS = 64, AGE = 128, BAD = 256, PARTS = 512,
	CHOICE = SELECTION | STATUS };

struct command {
	const char *name;
	int (*run)(struct dlq *d, struct err *e);
	unsigned takes;
	enum { FILES, IDS, SOME_IDS, NONE } operands;
	const char *status;     /* the default of --status; NULL: any */
};

static const struct command commands[] = {
	{ "put", put_command, BAD | PARTS, FILES, NULL },
	{ "list", list_command, CHOICE | LIMIT | JSON, NONE, "open" },
	{ "show", show_command, JSON | RAW, IDS, NULL },
	{ "stats", stats_command, CHOICE | LIMIT | JSON, NONE, NULL },
	{ "replay", replay_command, SELECTION | LIMIT | REPLAY, SOME_IDS,
	    "open" },
	{ "export", export_command, CHOICE | LIMIT, NONE, "open" },
	{ "resolve", resolve_command, 0, IDS, NULL },
	{ "discard", discard_command, REASON, IDS, NULL },
	{ "erase", erase_command, 0, IDS, NULL },
	{ "purge", purge_command, CHOICE | AGE | PARTS, NONE, NULL },
};

static const struct command *
find_command(const char *name, struct err *e)
{
	struct suggestion near = { .typed = name };

	for (size_t i = 0; name != NULL &&
	    i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		suggest_try(&near, commands[i].name);
	}
	(void)err_set(e, ERR_USAGE, false, name != NULL ?
	    "%s: there is no such command" : "no command was given", name);
	suggest_put(e, &near, "");
	return NULL;
}

static int
check_options(const struct command *c, const struct dlq_opts *o, int nargs,
    struct err *e)
{
	const unsigned selects = SELECTION | LIMIT;
	const struct { const char *name; unsigned kind; bool given; } all[] = {
		{ "bad", BAD, o->bad != NULL },
		{ "code", SELECTION, o->code != NULL },
		{ "pipeline", SELECTION, o->pipeline != NULL },
		{ "run", SELECTION, o->run != NULL },
		{ "since", SELECTION, o->since != NULL },
		{ "stage", SELECTION, o->stage != NULL },
		{ "stream", SELECTION, o->stream != NULL },
		{ "target", SELECTION, o->target != NULL },
		{ "pointer", SELECTION, o->pointer != NULL },
		{ "like", SELECTION, o->like != NULL },
		{ "status", STATUS, o->status != NULL },
		{ "until", SELECTION, o->until != NULL },
		{ "limit", LIMIT, o->limit > 0 },
		{ "json", JSON, o->json },
		{ "raw", RAW, o->raw },
		{ "once", REPLAY, o->once },
		{ "max-attempts", REPLAY, o->max_attempts > 0 },
		{ "max-record", REPLAY, o->max_record > 0 },
		{ "older-than", AGE, o->older_than != OLDER_NONE },
		{ "open", AGE, o->open },
		{ "reason", REASON, o->reason != NULL },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!all[i].given)
			continue;
		if ((c->takes & all[i].kind) == 0)
			return err_set(e, ERR_USAGE, false,
			    "%s: the option --%s cannot be used with this "
			    "command", c->name, all[i].name);
		if (c->operands == SOME_IDS && nargs > 0 &&
		    (selects & all[i].kind) != 0)
			return err_set(e, ERR_USAGE, false, "%s: give IDs or "
			    "--%s, not both", c->name, all[i].name);
	}
	if (o->json && o->raw)
		return err_set(e, ERR_USAGE, false,
		    "%s: give only one of --json and --raw", c->name);
	return 0;
}

static int
check_operands(const struct command *c, const struct dlq *d, struct err *e)
{
	if (c->operands == IDS && d->nargs == 0)
		return err_set(e, ERR_USAGE, false, "%s: the ID of a letter is "
		    "missing: give one or more; etl-dlq list prints the IDs",
		    c->name);
	if (c->operands == NONE && d->nargs > 0)
		return err_set(e, ERR_USAGE, false, "%s: takes no operands",
		    c->name);
	return 0;
}

/* Runs the command and flushes its output, even if it fails. */
static int
run_command(const struct command *c, struct dlq *d, struct err *e)
{
	struct err other = { 0 };
	int rc;

	if (out_open(&d->out, STDOUT_FILENO, "standard output", e) == -1)
		return -1;
	rc = c->run(d, e);
	if (rc == 0)
		rc = out_flush(d->out, e);
	else
		(void)out_flush(d->out, &other);
	db_close(d->db);
	out_free(d->out);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct dlq_opts o = { .older_than = OLDER_NONE };
	struct stdfd fds;
	struct dlq d = { .opts = &o, .fds = &fds };
	const struct command *c;
	struct err e = { 0 };
	enum opt_result r;

	memory_trim_large();
	core_dump_forbid_all();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report("etl-dlq", &e);
	r = opt_parse(&spec, &o, argc, argv, &e);
	if (r != OPT_RUN)
		return opt_print_result(&spec, r, &e);
	d.args = argv + optind + 1;
	d.nargs = argc - optind - 1;
	c = find_command(argv[optind], &e);
	if (c == NULL || check_options(c, &o, d.nargs, &e) == -1 ||
	    check_operands(c, &d, &e) == -1 ||
	    selection_init(&d.selection, &o, c->status, &e) == -1)
		return opt_print_result(&spec, OPT_FAILED, &e);
	stop_init();
	err_warn("etl-dlq", db_url_warning(o.db));
	if (run_command(c, &d, &e) == 0)
		return 0;
	if ((c->takes & PARTS) == 0)
		stop_raise();
	(void)err_report("etl-dlq", &e);
	stop_raise();
	return err_exit_code(&e);
}
