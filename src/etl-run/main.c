/* etl-run executes a pipeline as one tracked run.
 *
 * main.c     reads the options, also of --env-file, and finds the database that
 *            all stages of the run use.
 * job        the lock, the attempts with their retries, the schedule (--every),
 *            the command of --on-failure; prints what would be executed
 *            (--dry-run).
 * attempt    one attempt: its row in pipeline_runs, the pipeline, its exit code
 *            and the message of it; refuses two scripts that have one name.
 * child      starts the pipeline in a session of its own and waits for it;
 *            finds processes of the pipeline that left its process group.
 * script     what is executed: a script file, -c or standard input.
 * lock       lets one run of a name execute at a time; finds the folders of its
 *            files; tells apart machines and containers.
 * streams    reads how the streams of the stages have ended, finds those that
 *            failed, and warns about two processes with the same stage name.
 * stderr     passes on what the stages write to standard error, keeps the last
 *            lines of it for the run's row, and finds the line that says why
 *            the pipeline failed. */
#include "base/buf.h"
#include "base/file.h"
#include "base/process.h"
#include "base/shared_options.h"
#include "base/stdfd.h"
#include "base/stop.h"
#include "base/text.h"
#include "db/db.h"
#include "run.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* If a valid variable name starts at p, returns its end; else returns p. */
static char *
variable_name_end(char *p)
{
	if (isdigit((unsigned char)*p))
		return p;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return p;
}

static char *
strip_quotes(char *value, size_t n)
{
	if (n >= 2 && (value[0] == '"' || value[0] == '\'') &&
	    value[n - 1] == value[0]) {
		value[n - 1] = '\0';
		value++;
	}
	return value;
}

/* Sets the environment variable of a line NAME=VALUE, and appends a blank and
 * NAME to *names. Ignores an empty line and a comment. If the line is wrong,
 * returns -1 with errno 0. If memory is out, returns -1 with errno set. */
static int
set_variable(char *line, size_t n, struct buf *names)
{
	static const char export[] = "export ";
	char *name = line + strspn(line, " \t"), *end;

	errno = 0;
	if (strlen(line) != n)
		return -1;
	if (*name == '\0' || *name == '#')
		return 0;
	name = line;
	if (strncmp(name, export, sizeof(export) - 1) == 0)
		name += sizeof(export) - 1 +
		    strspn(name + sizeof(export) - 1, " \t");
	end = variable_name_end(name);
	if (end == name || *end != '=')
		return -1;
	*end++ = '\0';
	end = strip_quotes(end, n - (size_t)(end - line));
	if (names != NULL)
		buf_printf(names, " %s", name);
	return setenv(name, end, 1);
}

/* Sets the variables of all lines, and appends their names to *names. */
static int
read_variables(FILE *f, const char *path, struct buf *names, struct err *e)
{
	char *line = NULL;
	size_t cap = 0, number = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &cap, f)) != -1) {
		number++;
		if (n > 0 && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (set_variable(line, (size_t)n, names) == -1)
			rc = errno != 0 ? err_errno(e, ERR_IO, path) :
			    err_set(e, ERR_CONFIG, false,
			    "%s: line %zu: expected NAME=VALUE", path, number);
	}
	if (rc == 0 && ferror(f))
		rc = err_errno(e, ERR_IO, path);
	free(line);
	return rc;
}

/* If `names` is not NULL, appends a blank and the name of each variable. */
static int
envfile_load(const char *path, struct buf *names, struct err *e)
{
	struct stat st;
	FILE *f = fopen(path, "re");
	int rc;

	if (f == NULL)
		return err_errno(e, ERR_INPUT, path);
	file_warn_access("etl-run", fileno(f), path);
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
		rc = err_set(e, ERR_INPUT, false, "%s: is a directory: "
		    "give a file", path);
	else
		rc = read_variables(f, path, names, e);
	(void)fclose(f);
	return rc;
}

static const char sqlite[] = "sqlite:";
enum { SQLITE = sizeof(sqlite) - 1 };

/* Returns the absolute path, without symbolic links, of the directory that
 * contains the file `path`; NULL on failure. The caller frees it. */
static char *
resolve_parent(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir, *real;

	if (slash == NULL)
		dir = strdup(".");
	else
		dir = strndup(path, slash > path ? (size_t)(slash - path) : 1);
	if (dir == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if ((real = realpath(dir, NULL)) == NULL)
		(void)err_errno(e, ERR_CREATE, dir);
	free(dir);
	return real;
}

/* Appends the absolute path of a file, without symbolic links. The file need
 * not exist, but its directory must. */
static int
put_absolute_path(struct buf *url, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *real = realpath(path, NULL);

	if (real != NULL) {
		buf_str(url, real);
		free(real);
		return 0;
	}
	if ((real = resolve_parent(path, e)) == NULL)
		return -1;
	buf_printf(url, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
	    slash != NULL ? slash + 1 : path);
	free(real);
	return 0;
}

static int
run_database_url(struct buf *url, const char *option, struct err *e)
{
	const char *text = option != NULL ? option : getenv("DATABASE_URL");

	if (text == NULL || *text == '\0')
		text = "sqlite:etl.db";
	/* Refuse sqlite://HOST/... (sqlite:///PATH has no host and is
	 * permitted). */
	if (strncmp(text, "sqlite://", 9) == 0 && db_url_check(text, e) == -1)
		return -1;
	if (strncmp(text, sqlite, SQLITE) != 0) {
		buf_str(url, text);
	} else if (text[SQLITE] == '\0' || text[SQLITE] == ':') {
		return err_set(e, ERR_CONFIG, false,
		    "%s: this database is private to one program: name a file, "
		    "which all stages can use", text);
	} else {
		buf_str(url, sqlite);
		if (put_absolute_path(url, text + SQLITE, e) == -1)
			return -1;
	}
	(void)buf_text(url);
	return buf_check(url, e);
}

enum { NAME_MAX_BYTES = 200 };
static const uint64_t longest = 3650ULL * 86400 * 1000;         /* ms */

/* The value of struct run_opts.every if --every is not given. */
#define EVERY_NONE UINT64_MAX

struct run_opts {
	const char *name, *db, *control_schema, *backoff, *env_file, *command,
	    *on_failure;
	uint64_t every, jitter, retries, timeout;
	bool dry_run, moved, tolerate, verbose;
};

static const char usage[] =
    "usage: etl-run [-v] [--backoff BASE..MAX] [--control-schema NAME]\n"
    "               [--db URL] [--dry-run] [--env-file FILE]\n"
    "               [--every DURATION] [--jitter DURATION] [--moved]\n"
    "               [--name NAME] [--on-failure COMMAND] [--retries N]\n"
    "               [--timeout DURATION] [--tolerate] PIPELINE [ARG ...]\n"
    "       etl-run [options] -c COMMAND [ARG ...]\n"
    "       etl-run [options] - [ARG ...]";

#define AT(field) offsetof(struct run_opts, field)
static const struct opt options[] = {
	{ "backoff", OPT_STRING, AT(backoff), "BASE..MAX",
	    "wait between retries (default: 1s..60s)", NULL, 0 },
	{ "command", OPT_STRING, AT(command), "COMMAND",
	    "execute this text with sh", NULL, 'c' },
	OPTION_DB(AT(db)),
	OPTION_CONTROL_SCHEMA(AT(control_schema)),
	{ "dry-run", OPT_FLAG, AT(dry_run), NULL,
	    "print what would be executed, and change nothing", NULL, 0 },
	{ "env-file", OPT_STRING, AT(env_file), "FILE",
	    "set the variables of a file of NAME=VALUE lines", NULL, 0 },
	{ "every", OPT_DURATION, AT(every), "DURATION",
	    "start a run at this interval, until stopped", NULL, 0 },
	{ "jitter", OPT_DURATION, AT(jitter), "DURATION",
	    "delay each start by a random time of at most this", NULL, 0 },
	{ "moved", OPT_FLAG, AT(moved), NULL,
	    "accept another script than that of the last run", NULL, 0 },
	{ "name", OPT_STRING, AT(name), "NAME",
	    "name of the pipeline (default: that of the script)", NULL, 0 },
	{ "on-failure", OPT_STRING, AT(on_failure), "COMMAND",
	    "execute this with sh after a failure, the run as JSON on stdin",
	    NULL, 0 },
	{ "retries", OPT_NUMBER, AT(retries), "N",
	    "run again up to N times after exit code 75 (default: 0)", NULL,
	    0 },
	{ "timeout", OPT_DURATION, AT(timeout), "DURATION",
	    "stop an attempt that takes longer", NULL, 0 },
	{ "tolerate", OPT_FLAG, AT(tolerate), NULL,
	    "succeed although streams failed or did not end", NULL, 0 },
	{ "verbose", OPT_FLAG, AT(verbose), NULL,
	    "print a line about each run, not only about failures", NULL,
	    'v' },
};
#undef AT

static const struct opt_spec spec = {
	.program = "etl-run", .usage = usage, .opts = options,
	.n = sizeof(options) / sizeof(options[0]), .stop = true
};

/* True for a valid TRACEPARENT of W3C Trace Context, version 00:
 * "00-TRACE-PARENT-FLAGS", in lower-case hex, TRACE and PARENT not all
 * zeros. */
static bool
is_traceparent(const char *t)
{
	static const char form[] =
	    "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

	if (t == NULL || strlen(t) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'x' ?
		    strchr("0123456789abcdef", t[i]) == NULL :
		    t[i] != form[i])
			return false;
	return strspn(t + 3, "0") < 32 && strspn(t + 36, "0") < 16;
}

/* True if the pipeline gets /dev/null and not etl-run's standard input. It may
 * read that input only if the pipeline runs once and the script itself is not
 * read from it. It never gets a terminal: reading one would stop it with
 * SIGTTIN, because it runs in another process group. */
static bool
is_stdin_withheld(const struct run_opts *o, const struct job *j)
{
	return o->every > 0 || o->retries > 0 || j->script.reads_stdin ||
	    isatty(STDIN_FILENO) == 1;
}

/* Sets the times of the job. Fails if one of them is too long. */
static int
set_times(struct job *j, const struct run_opts *o, struct err *e)
{
	if (o->timeout > longest || o->every > longest || o->jitter > longest)
		return err_set(e, ERR_USAGE, false, "--timeout, --every and "
		    "--jitter must not be longer than ten years");
	if (o->every > 0 && o->jitter > o->every)
		return err_set(e, ERR_USAGE, false,
		    "--jitter must not be longer than --every");
	j->timeout = o->timeout;
	j->every = o->every;
	j->jitter = o->jitter;
	return 0;
}

/* Refuses --every 0. If --every was not given, sets o->every to 0, which means
 * one run only. */
static int
set_every(struct run_opts *o, struct err *e)
{
	if (o->every == 0)
		return err_set(e, ERR_USAGE, false,
		    "--every must be longer than 0");
	if (o->every == EVERY_NONE)
		o->every = 0;
	return 0;
}

struct texts {                  /* owned here, borrowed by the job */
	struct buf url, names;
};

/* Loads the file of --env-file first, because it may set variables that decide
 * the rest. */
static int
configure_job(struct job *j, struct texts *t, const struct run_opts *o,
    int argc, char *argv[], struct err *e)
{
	if (o->env_file != NULL &&
	    envfile_load(o->env_file, &t->names, e) == -1)
		return -1;
	if (retry_parse(&j->retry, o->backoff, e) == -1)
		return -1;
	if (script_init(&j->script, o->command, argv + optind, argc - optind,
	    e) == -1)
		return -1;
	j->name = o->name != NULL ? o->name : j->script.name;
	if (name_check("--name", j->name, NAME_MAX_BYTES,
	    e) == -1 || run_database_url(&t->url, o->db, e) == -1)
		return -1;
	j->url = t->url.data;
	j->url_given = o->db != NULL || strstr(buf_text(&t->names),
	    " DATABASE_URL") != NULL;
	j->schema = o->control_schema;
	if (j->schema == NULL && strstr(buf_text(&t->names),
	    " ETL_CONTROL_SCHEMA") != NULL)
		j->schema = getenv("ETL_CONTROL_SCHEMA");
	j->env_names = buf_text(&t->names);
	if (set_times(j, o, e) == -1)
		return -1;
	j->retry.max = o->retries;
	j->on_failure = o->on_failure;
	j->moved = o->moved;
	j->no_stdin = is_stdin_withheld(o, j);
	j->tolerates = o->tolerate;
	j->verbose = o->verbose || o->every > 0 ||
	    isatty(STDERR_FILENO) == 1;
	if (gethostname(j->host, sizeof(j->host) - 1) == -1)
		return err_errno(e, ERR_IO, "host name");
	if ((j->traced = is_traceparent(getenv("TRACEPARENT"))))
		(void)snprintf(j->traceparent, sizeof(j->traceparent), "%s",
		    getenv("TRACEPARENT"));
	return 0;
}

/* Reports this run to the etl-run that executes this command as a part of its
 * own script: `failed`, if the options are wrong, or that the run starts. */
static int
report_to_outer(struct job *j, const struct run_opts *o,
    const struct err *failed, struct err *e)
{
	const char *name = j->name != NULL ? j->name :
	    o->name != NULL ? o->name : "etl-run";

	if (j->report.file == NULL || o->dry_run)
		return 0;
	if (run_report_run(&j->report, name, e) == -1)
		return -1;
	if (failed != NULL)
		run_report_run_end(&j->report, failed, false);
	return 0;
}

/* Ends this process by the signal. */
static void
raise_default(int sig)
{
	sigset_t none;

	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)raise(sig);
}

int
main(int argc, char *argv[])
{
	struct run_opts o = { .every = EVERY_NONE };
	struct job j = { .lock = { .n = 0 } };
	struct stdfd fds;
	struct err e = { 0 }, unreported;
	struct texts t;
	enum opt_result r;
	int code, sig = 0;

	memory_trim_large();
	core_dump_forbid();
	if (stdfd_claim(&fds, &e) == -1)
		return err_report("etl-run", &e);
	j.report.file = getenv("ETL_REPORTS");
	r = opt_parse(&spec, &o, argc, argv, &e);
	if (r == OPT_FAILED)
		(void)report_to_outer(&j, &o, &e, &unreported);
	if (r != OPT_RUN)
		return opt_print_result(&spec, r, &e);
	buf_init(&t.url, 64 << 10);
	buf_init(&t.names, 1 << 20);
	if (set_every(&o, &e) == -1 ||
	    configure_job(&j, &t, &o, argc, argv, &e) == -1) {
		(void)report_to_outer(&j, &o, &e, &unreported);
		code = e.code == ERR_USAGE ?
		    opt_print_result(&spec, OPT_FAILED, &e) :
		    err_report("etl-run", &e);
	} else if (report_to_outer(&j, &o, NULL, &e) == -1) {
		code = err_report("etl-run", &e);
	} else {
		/* Install the handlers only now: they just note a stop signal,
		 * but while etl-run was reading the script from its standard
		 * input, a signal had to end it at once. */
		stop_init();
		err_warn("etl-run", db_url_warning(o.db));
		if (!o.dry_run)
			err_note("etl-run", db_url_notice(o.db));
		code = o.dry_run ? dry_run_print(&j) : job_run(&j, &sig);
	}
	script_release(&j.script);
	buf_release(&t.url);
	buf_release(&t.names);
	if (sig != 0)
		raise_default(sig);
	return code;
}
