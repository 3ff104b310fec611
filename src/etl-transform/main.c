/* etl-transform runs a jq filter on every record, in worker processes.
 *
 * main.c        reads the options and sets the exit code; passes records to the
 *               workers and writes their results in order. A mark is written
 *               after the records before it.
 * pool/         the processes. worker runs the filter, and its keeper compiles
 *               it and forks workers; pool controls both from the parent
 *               process; sandbox takes rights from a worker.
 * choice        --engine: chooses between the native engine and libjq. Most
 *               filters run without libjq, so that it need not be started.
 * native/       runs many filters without libjq. The parser makes a tree of the
 *               filter; resolve makes a program of the tree; run, run_generator
 *               and functions run the program on the values of a record
 *               (value).
 * engine/       engine.h is the interface to an engine. filter runs libjq, and
 *               only this file includes jq.h. filter_source looks at the text
 *               of a filter: its imports read no file outside of -L, and
 *               whether it reads the environment. outcome holds the outputs or
 *               the reject of a record. hash adds the hash of --hash.
 * module/       the functions of the jq module etl: etl.jq, and in C module,
 *               times, words, and the time zones (zone).
 * number/       converts records to values of libjq and back (jvalue), and the
 *               values of --arg and similar options. Numbers keep their digits
 *               (numbers). */
#include "base/file.h"
#include "base/process.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "engine/engine.h"
#include "engine/filter_source.h"
#include "pool/pool.h"
#include "pool/sandbox.h"
#include "stream/stage.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The options that take two arguments: --arg, --argjson, --slurpfile.
 * Owns:  the list; its texts stay in argv.
 * Gives: args_take() moves these options from argv into the list. It stops at
 *        "--".
 * Fails: ERR_USAGE if an option lacks an argument, or NAME cannot be the
 *        name of a variable. */

struct args {
	struct arg *v;
	size_t n;
};

static bool
find_option_kind(const char *option, enum arg_kind *kind)
{
	static const char *const names[] = {
		[ARG_TEXT] = "--arg", [ARG_JSON] = "--argjson",
		[ARG_FILE] = "--slurpfile"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(option, names[i]) == 0) {
			*kind = (enum arg_kind)i;
			return true;
		}
	return false;
}

static bool
is_variable_name(const char *p)
{
	if (!isalpha((unsigned char)*p) && *p != '_')
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return *p == '\0';
}

/* Checks the name of the variable, and that its file can be read. */
static int
check_argument(const struct arg *a, const char *option, struct err *e)
{
	if (!is_variable_name(a->name))
		return err_set(e, ERR_USAGE, false,
		    "%s: '%s' cannot be the name of a variable: use letters, "
		    "digits and _, and no digit at the start", option, a->name);
	if (a->kind == ARG_FILE && access(a->value, R_OK) == -1)
		return err_errno(e, ERR_INPUT, a->value);
	return 0;
}

static int
args_take(struct args *a, int *argc, char *argv[], struct err *e)
{
	int to = 1, i = 1;
	struct arg *t;

	if (*argc < 1)
		return 0;
	if ((a->v = calloc((size_t)*argc, sizeof(*a->v))) == NULL)
		return err_nomem(e);
	for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		t = &a->v[a->n];
		if (!find_option_kind(argv[i], &t->kind)) {
			argv[to++] = argv[i];
			continue;
		}
		if (*argc - i < 3)
			return err_set(e, ERR_USAGE, false,
			    "%s needs a name and a value", argv[i]);
		t->name = argv[i + 1];
		t->value = argv[i + 2];
		if (check_argument(t, argv[i], e) == -1)
			return -1;
		a->n++;
		i += 2;
	}
	while (i < *argc)
		argv[to++] = argv[i++];
	argv[to] = NULL;
	*argc = to;
	return 0;
}

static void
args_release(struct args *a)
{
	free(a->v);
	*a = (struct args){ .n = 0 };
}

/* Passes a stream through the workers: writes the results of the records in
 * input order, and each mark after the results of all records before it.
 * Fails: as the stage or the pool does; the caller closes both. */

struct transform {
	struct stage *stage;
	struct pool *pool;
	struct json json;       /* for lines that are too long for a worker */
	const char *file;       /* input file of the records in the pool */
};

/* Bytes. After an input line that is longer, the read buffer is shrunk as soon
 * as the line has been copied into the shared memory of the workers. */
enum { LARGE = 1 << 20 };

static int
write_reject(struct transform *t, const struct result *r, struct err *e)
{
	const struct line line = {
		.data = r->line, .len = r->line_len, .bytes = r->line_len,
		.file = t->file, .number = r->number, .offset = r->offset
	};
	struct reject why = {
		.code = r->code, .message = r->message,
		.pointer = *r->pointer != '\0' ? r->pointer : NULL
	};

	return stage_reject(t->stage, &line, &why, e);
}

static int
write_outputs(struct transform *t, const struct result *r, struct err *e)
{
	const char *p = r->text, *end = p + r->text_len;

	for (; p < end; p++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		if (lf == NULL)
			return err_bug(e, "an output of the filter does not "
			    "end with a line feed");
		if (stage_emit(t->stage, p, (size_t)(lf - p), e) == -1)
			return -1;
		p = lf;
	}
	stage_count_input(t->stage, r->text_len > 0);
	return 0;
}

static int
write_ready_results(struct transform *t, struct err *e)
{
	struct result r;
	int rc;

	while ((rc = pool_take_result(t->pool, &r, e)) == 1) {
		rc = r.code != NULL ? write_reject(t, &r, e) :
		    write_outputs(t, &r, e);
		if (rc == -1)
			return -1;
	}
	return rc;
}

/* Flushes standard output first, so that the reader gets records without
 * delay. Then waits until workers have results or, if input_fd is not -1, it
 * has input. Writes the results that are ready. Fails if a stop was
 * requested. */
static int
wait_for_results(struct transform *t, int input_fd, struct err *e)
{
	struct line l;

	if (stage_flush(t->stage, e) == -1 ||
	    pool_wait(t->pool, input_fd, e) == -1 ||
	    write_ready_results(t, e) == -1)
		return -1;
	/* A signal such as SIGTERM has requested a stop. stage_next() is called
	 * only because it sets *e to this error. */
	return stop_signal() != 0 && stage_next(t->stage, &l, 0, e) ==
	    STAGE_STOP ? -1 : 0;
}

/* Submits the lines that were added so far to the workers. Then waits until the
 * workers have results for all lines, and writes these results. */
static int
finish_results(struct transform *t, struct err *e)
{
	pool_submit(t->pool);
	while (!pool_is_empty(t->pool))
		if (wait_for_results(t, -1, e) == -1)
			return -1;
	return 0;
}

/* Adds a line to a slot. A line that is too long is rejected, after the results
 * of the lines before it were written. */
static int
add_line(struct transform *t, const struct line *l, struct err *e)
{
	if (l->file != t->file) {
		if (finish_results(t, e) == -1)
			return -1;
		t->file = l->file;
	}
	if (!l->too_long) {
		pool_add_line(t->pool, l);
		if (l->len > LARGE)
			stage_shrink(t->stage);
		return 0;
	}
	if (finish_results(t, e) == -1)
		return -1;
	return stage_parse(t->stage, l, &t->json, 0, JSON_UNIQUE, e);
}

/* Called when no input is waiting. Lines are normally given to a worker in
 * blocks (slots). This function gives the last lines to a worker, even if the
 * block is not full, so that slow input is not delayed. Then it waits for
 * results or input and writes the results. */
static int
submit_rest(struct transform *t, struct err *e)
{
	pool_submit(t->pool);
	return wait_for_results(t, pool_may_add_line(t->pool) ? 0 : -1, e);
}

static int
transform_run(struct transform *t, struct err *e)
{
	enum stage_item item;
	struct line l;
	int rc = 0;

	while (rc != -1) {
		if (!pool_may_add_line(t->pool)) {
			rc = wait_for_results(t, -1, e);
			continue;
		}
		item = stage_next(
		    t->stage, &l, pool_is_empty(t->pool) ? -1 : 0, e);
		if (item == STAGE_RECORD)
			rc = add_line(t, &l, e);
		else if (item == STAGE_WAIT)
			rc = submit_rest(t, e);
		else if (item == STAGE_MARK)
			rc =
			    finish_results(t, e) == -1
				? -1
				: stage_pass(t->stage, e);
		else if (item == STAGE_END)
			return finish_results(t, e) == -1
			    ? -1
			    : stage_end(t->stage, e);
		else
			return -1;
	}
	return -1;
}

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

static int
get_filter_text(struct buf *b, const struct transform_opts *o,
    const char *operand, struct err *e)
{
	if (o->file != NULL) {
		if (file_read(b, o->file, e) == -1)
			return -1;
		if (b->len == 0 || memchr(b->data, '\0', b->len) == NULL)
			return 0;
		return err_set(e, ERR_CONFIG, false, "%s: not a filter: the "
		    "file contains a NUL byte", o->file);
	}
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
		    filter_reads_env(buf_text(&text)))
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
