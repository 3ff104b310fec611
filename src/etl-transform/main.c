/* etl-transform runs a jq filter on every record, in worker processes.
 *
 * main.c        reads the options and sets the exit code.
 * jq_args       the options with two arguments (--arg, --argjson ...).
 * transform     passes records to the workers and writes their results in
 *               order; a mark is written after the records before it.
 * pool/         the processes. keeper compiles the filter and forks workers;
 *               worker runs the filter; pool controls both from the parent
 *               process; shared_slots is the memory through which records and
 *               results pass; sandbox takes rights from a worker.
 * choice        --engine: chooses between the native engine and libjq. Most
 *               filters run without libjq, so that it need not be started.
 * native/       runs many filters without libjq. The parser (lexer, parse_*)
 *               makes a tree of the filter; resolve makes a program of the
 *               tree; run (run_*, functions*) runs the program on the values
 *               of a record (value).
 * engine/       engine.h is the interface to an engine. filter runs libjq, and
 *               only this file includes jq.h. filter_program makes the text
 *               that libjq compiles. filter_imports checks that the imports
 *               (filter_directive) of a filter read no file outside of -L.
 *               filter_env finds out whether a filter reads the environment.
 *               filter_stderr prints what a filter passes to debug or stderr.
 *               outcome holds the outputs or the reject of a record. row_hash
 *               computes the hash of --hash; hash is the engine that adds it.
 * module/       the functions of the jq module etl: etl.jq, and in C module,
 *               module_number, times, words, and the time zones (zone*).
 * number/       converts records to values of libjq and back (jvalue), and the
 *               values of --arg and similar options (jvalue_args). Numbers
 *               keep their digits: numbers has the table, number_doubles and
 *               number_classes fill it, number_made adds the numbers that the
 *               module etl makes, and number_names finds numbers by name. */
#include "engine/filter_env.h"
#include "engine/row_hash.h"
#include "jq_args.h"
#include "pool/sandbox.h"
#include "transform.h"

#include "base/file.h"
#include "base/core_dump.h"
#include "base/memory.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "stream/record_options.h"

#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: etl-transform [-L DIR] [--allow env] [--arg NAME VALUE]\n"
    "                     [--argjson NAME JSON] [--duplicate-members last]\n"
    "                     [--engine auto|native|jq] [--explain]\n"
    "                     [--hash COLS [--hash-as FIELD]]\n"
    "                     [--lossy-numbers] [--marked] [--max-record SIZE]\n"
    "                     [--max-rejects N|N%] [--memory-limit SIZE]\n"
    "                     [--plain] [--rejects FILE]\n"
    "                     [--slurpfile NAME FILE] [--stage NAME] [--std]\n"
    "                     [--time-limit TIME] FILTER | -f FILE [INPUT ...]";

enum { FILTER_MAX = 16 << 20 };

struct transform_opts {
	const char *file, *duplicates, *stage, *rejects, *max_rejects, *hash,
	    *hash_as, *engine;
	struct opt_list dirs, allow, args;
	bool std, lossy, marked, plain, explain;
	uint64_t time_limit, memory_limit, max_record;
};

#define AT(field) offsetof(struct transform_opts, field)
#define OPT(name, type, field, arg, help, letter) \
	{ name, type, AT(field), arg, help, NULL, letter }

static const struct opt options[] = {
	OPT("from-file", OPT_STRING, file, "FILE", "read the filter from FILE",
	    'f'),
	OPT("library-path", OPT_LIST, dirs, "DIR",
	    "search DIR for imported modules", 'L'),
	OPT("std", OPT_FLAG, std, NULL,
	    "call the functions of module etl without a prefix", 0),
	OPT("arg", OPT_LIST, args, "NAME VALUE",
	    "set $NAME to the text VALUE", 0),
	OPT("argjson", OPT_LIST, args, "NAME JSON",
	    "set $NAME to the value JSON", 0),
	OPT("slurpfile", OPT_LIST, args, "NAME FILE",
	    "set $NAME to an array of the values in FILE", 0),
	OPT("hash", OPT_STRING, hash, "COLS",
	    "add a hash of these members; the filter may be missing", 0),
	OPT("hash-as", OPT_STRING, hash_as, "FIELD",
	    "the member that gets the hash (default: _row_hash)", 0),
	OPT("engine", OPT_STRING, engine, "auto|native|jq",
	    "what runs the filter (default: auto)", 0),
	OPT("explain", OPT_FLAG, explain, NULL,
	    "say which engine runs the filter, and why", 0),
	OPT("time-limit", OPT_DURATION, time_limit, "TIME",
	    "longest time for one record (default: 10s)", 0),
	OPT("memory-limit", OPT_SIZE, memory_limit, "SIZE",
	    "memory that the filter may use (default: 1GiB)", 0),
	OPTION_MAX_RECORD(AT(max_record)),
	OPT("lossy-numbers", OPT_FLAG, lossy, NULL,
	    "round a number instead of rejecting its record", 0),
	OPTION_DUPLICATE_MEMBERS(AT(duplicates)),
	OPT("allow", OPT_LIST, allow, "env",
	    "let the filter read environment variables", 0),
	OPTION_STAGE(AT(stage)),
	OPTION_MARKED(AT(marked)),
	OPTION_PLAIN(AT(plain)),
	OPTION_REJECTS(AT(rejects)),
	OPTION_MAX_REJECTS(AT(max_rejects)),
};

static const struct opt_spec spec = {
	.program = "etl-transform", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]),
	.print_after_version = sandbox_print,
};

/* Appends the filter in the file. Fails if it contains a NUL byte. */
static int
put_filter_file(struct buf *b, const char *file, struct err *e)
{
	if (file_read(b, file, e) == -1)
		return -1;
	if (b->len > 0 && memchr(b->data, '\0', b->len) != NULL)
		return err_set(e, ERR_CONFIG, false, "%s: not a filter: the "
		    "file contains a NUL byte", file);
	return 0;
}

static int
get_filter_text(struct buf *b, const struct transform_opts *o,
    const char *operand, struct err *e)
{
	if (o->file != NULL)
		return put_filter_file(b, o->file, e);
	if (operand == NULL)
		return o->hash != NULL ? 0 : err_set(e, ERR_USAGE, false,
		    "no FILTER: give one, such as '.', or -f FILE");
	buf_str(b, operand);
	return buf_check(b, e);
}

static int
check_options(const struct transform_opts *o, enum json_members *members,
    enum engine_choice *engine, struct err *e)
{
	for (size_t i = 0; i < o->allow.n; i++)
		if (strcmp(o->allow.v[i], "env") != 0)
			return err_set(e, ERR_USAGE, false,
			    "--allow %s: the only allowed value is env",
			    o->allow.v[i]);
	if (record_options_check(o->max_record, o->duplicates, members, e) ==
		-1 || row_hash_check(o->hash, o->hash_as, e) == -1 ||
	    engine_choice_parse(engine, o->engine, e) == -1)
		return -1;
	for (size_t i = 0; i < o->dirs.n; i++)
		if (access(o->dirs.v[i], X_OK) == -1)
			return err_errno(e, ERR_INPUT, o->dirs.v[i]);
	return 0;
}

static int
run_filter(const struct transform_opts *o, const struct args *a,
    enum json_members members, enum engine_choice engine, const char *text,
    struct stage *s, struct err *e)
{
	const struct pool_conf conf = {
		.engine = o->hash != NULL ? &engine_hash : &engine_choice,
		.filter = {
			.text = text, .std = o->std, .lossy = o->lossy,
			.dirs = o->dirs, .args = a->v, .nargs = a->n,
			.max_record = o->max_record,
			.duplicates = members == JSON_LAST,
			.choice = engine, .explain = o->explain,
			.limits_are_small = (o->time_limit > 0 &&
			    o->time_limit < 1000) || (o->memory_limit > 0 &&
			    o->memory_limit < 16 << 20),
			.hash = o->hash, .hash_as = o->hash_as
		},
		.jobs = 1,
		.dup = members,
		.plain = o->plain, .env = o->allow.n > 0,
		.time_limit = o->time_limit, .memory_limit = o->memory_limit
	};
	struct transform t = { .stage = s };
	int rc = -1;

	if (pool_open(&t.pool, &conf, e) == 0 &&
	    pool_start_workers(t.pool, e) == 0)
		rc = transform_run(&t, e);
	pool_close(t.pool, rc == 0);
	json_release(&t.json);
	return rc;
}

/* If the only operand is a file, the user has probably forgotten the filter. */
static void
warn_filter_is_file(const char *operand)
{
	struct stat st;

	if (stat(operand, &st) == 0 && S_ISREG(st.st_mode))
		err_warnf(spec.program, "%s is a file, but the first argument "
		    "is the FILTER: give one before it, such as '.', or give "
		    "-f if the filter is in this file", operand);
}

static int
run_stage(const struct transform_opts *o, const struct args *a,
    const struct stdfd *fds, int argc, char *argv[], struct err *e)
{
	int first = optind + (o->file == NULL && optind < argc);
	const struct stage_conf conf = { .name = "transform",
	    .stage = o->stage,
	    .files = argv + first, .nfiles = (size_t)(argc - first),
	    .plain = o->plain, .marked = o->marked, .rejects = o->rejects,
	    .max_rejects = o->max_rejects, .max_record = o->max_record,
	    .fds = fds };
	enum json_members members = JSON_UNIQUE;
	enum engine_choice engine = ENGINE_AUTO;
	struct stage *s;
	struct buf text;
	int rc = -1;

	if (stage_open(&s, &conf, e) == -1) {
		stage_fail_early(conf.name, e);
		return -1;
	}
	buf_init(&text, FILTER_MAX);
	if (check_options(o, &members, &engine, e) == 0 &&
	    get_filter_text(&text, o, argv[optind], e) == 0) {
		bool filter = o->file != NULL || argv[optind] != NULL;

		if (filter && o->allow.n == 0 &&
		    filter_reads_env(text.data, text.len))
			err_warn(spec.program, "the filter reads the "
			    "environment (env or $ENV), which is empty without "
			    "--allow env");
		rc = run_filter(o, a, members, engine,
		    filter ? buf_text(&text) : NULL, s, e);
	}
	if (rc == -1 && e->code == ERR_CONFIG && o->file == NULL &&
	    optind < argc)
		warn_filter_is_file(argv[optind]);
	if (rc == -1)
		stage_fail(s, e);
	buf_release(&text);
	stage_close(s);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct transform_opts o = { .time_limit = 10000,
	    .memory_limit = 1 << 30, .max_record = LINES_MAX };
	struct args a = { .n = 0 };
	struct err e = { .code = ERR_NONE };
	struct stdfd fds;
	enum opt_result r = OPT_FAILED;
	int status = 0;

	memory_trim_large();
	core_dump_forbid_all();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report(spec.program, &e);
	if (args_take(&a, &argc, argv, &e) == 0)
		r = opt_parse(&spec, &o, argc, argv, &e);
	if (r == OPT_FAILED)
		stage_fail_early("transform", &e);
	if (r != OPT_RUN) {
		args_release(&a);
		opt_release(&spec, &o);
		return opt_print_result(&spec, r, &e);
	}
	stop_init();
	if (run_stage(&o, &a, &fds, argc, argv, &e) == -1)
		status = err_report(spec.program, &e);
	args_release(&a);
	opt_release(&spec, &o);
	stop_raise();
	return status;
}
