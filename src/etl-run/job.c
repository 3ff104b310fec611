#include "run.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "child.h"
#include "control/control.h"
#include "db/db.h"
#include "json/write.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIME = 30000, JSON = 1 << 20 };

/* Appends a member; a text that is missing or empty becomes null. */
static void
put_text(struct buf *b, const char *name, const char *text)
{
	if (text == NULL || *text == '\0')
		json_put_raw(b, name, "null", 4);
	else
		json_put_text(b, name, text);
}

/* Sets b to a JSON object that describes the failed run. It has only the
 * members that etl-run itself knows. It is used if the run's row cannot be read
 * from the database. */
static void
put_known_json(struct buf *b, struct attempt *a, const struct job *j)
{
	struct buf log;

	buf_init(&log, JSON);
	tail_put_escaped(&log, &a->said);
	buf_clear(b);
	buf_char(b, '{');
	put_text(b, "status", a->started ? "running" : "failed");
	put_text(b, "error_message", buf_text(&a->message));
	put_text(b, "pipeline", j->name);
	put_text(b, "run", a->run);
	json_put_int(b, "attempt", a->number);
	put_text(b, "retry_of", a->retry_of);
	put_text(b, "host", j->host);
	put_text(b, "traceparent", j->traceparent);
	put_text(b, "log", buf_text(&log));
	buf_char(b, '}');
	buf_release(&log);
}

/* Returns the standard input for the command of --on-failure: the row of the
 * failed run as JSON, in a file in memory. With a pipe, a command that does not
 * read its input could block etl-run. */
static int
make_input(struct attempt *a, const struct job *j, struct err *e)
{
	struct db *db = NULL;
	struct err none;
	struct buf b;
	int fd = -1;

	buf_init(&b, JSON);
	if (!a->started ||
	    control_open(&db, j->url, j->schema, true, &none) ==
	    -1 || run_put_json(db, a->run, &b, &none) == -1)
		put_known_json(&b, a, j);
	db_close(db);
	buf_char(&b, '\n');
	if (buf_check(&b, e) == -1)
		goto out;
	fd = memfd_create("run", MFD_CLOEXEC);
	if (fd == -1 || write(fd, b.data, b.len) != (ssize_t)b.len ||
	    lseek(fd, 0, SEEK_SET) != 0)
		(void)err_errno(e, ERR_IO, "its input");
out:
	buf_release(&b);
	return fd;
}

static int
run_shell_command(const struct job *j, int stdin_fd, struct child_end *end,
    struct err *e)
{
	const char *argv[] = { "/bin/sh", "/bin/sh", "-c", j->on_failure,
	    "sh", NULL };
	const struct child_spec s = { .argv = argv + 1, .input = stdin_fd,
	    .merged = true, .name = j->name, .timeout = TIME };
	struct cause c;
	int rc;

	(void)unsetenv("ETL_RUN");
	(void)unsetenv("ETL_PIPELINE");
	(void)unsetenv("ETL_ATTEMPT");
	(void)unsetenv("ETL_REPORTS");
	cause_init(&c);
	rc = child_run(&s, &c, end, e);
	cause_release(&c);
	return rc;
}

/* Sets *e if the command failed. A stop signal is no failure. */
static void
set_command_error(const struct child_end *end, struct err *e)
{
	if (end->signal != 0)
		return;
	if (end->late)
		(void)err_set(e, ERR_REFUSED, false,
		    "it ran longer than %d seconds, so it was stopped",
		    TIME / 1000);
	else if (WIFSIGNALED(end->status))
		(void)err_set(e, ERR_REFUSED, false, "killed by signal %d",
		    WTERMSIG(end->status));
	else if (WEXITSTATUS(end->status) != 0)
		(void)err_set(e, ERR_REFUSED, false, "exited with %d",
		    WEXITSTATUS(end->status));
}

static void
on_failure_run(struct attempt *a, const struct job *j, int *sig)
{
	struct child_end end = { 0 };
	struct err e = { 0 };
	int fd = make_input(a, j, &e);

	if (e.code == ERR_NONE && run_shell_command(j, fd, &end, &e) == 0)
		set_command_error(&end, &e);
	if (fd != -1)
		(void)close(fd);
	if (e.code != ERR_NONE)
		err_warnf("etl-run", "%s: --on-failure: the command failed: %s",
		    j->name, e.msg);
	*sig = end.signal;
}

enum { PLAN = 16 << 20 };

/* Appends the duration in the largest unit that divides it: 90000 ms become
 * "90s", because they are not whole minutes. */
static void
put_duration(struct buf *b, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *unit;
	} units[] = {
		{ 86400000, "d" }, { 3600000, "h" }, { 60000, "m" },
		{ 1000, "s" }, { 1, "ms" }
	};
	size_t i = 0;

	while (ms == 0 || ms % units[i].ms != 0)
		if (++i == sizeof(units) / sizeof(units[0]) - 1)
			break;
	buf_printf(b, "%" PRIu64 "%s", ms / units[i].ms, units[i].unit);
}

static void
put_script_command(struct buf *b, const struct script *s)
{
	buf_str(b, "\nrun:");
	for (size_t i = 0; s->argv[i] != NULL; i++) {
		buf_char(b, ' ');
		put_shell_word(b, s->argv[i]);
	}
}

static void
put_database(struct buf *b, const char *url)
{
	static const char sqlite[] = "sqlite:";
	enum { SQLITE = sizeof(sqlite) - 1 };
	struct buf variables;

	buf_str(b, "\ndatabase: ");
	db_url_put_public(b, url);
	if (strncmp(url, sqlite, SQLITE) == 0 &&
	    access(url + SQLITE, F_OK) == -1)
		buf_str(b, " (will be created)");
	buf_init(&variables, PLAN);
	db_url_put_env(&variables, url);
	if (variables.len > 0)
		buf_printf(b, "\nof the database:%s", buf_text(&variables));
	b->failed |= variables.failed;
	buf_release(&variables);
}

static void
put_schedule(struct buf *b, const struct job *j)
{
	buf_str(b, "\nschedule: ");
	if (j->every > 0) {
		buf_str(b, "now, then every ");
		put_duration(b, j->every);
	} else {
		buf_str(b, "once");
	}
	if (j->jitter > 0) {
		buf_str(b, j->every > 0 ? ", each up to " : ", up to ");
		put_duration(b, j->jitter);
		buf_str(b, " later");
	}
	buf_str(b, "\ntime-out: ");
	if (j->timeout > 0)
		put_duration(b, j->timeout);
	else
		buf_str(b, "none");
	buf_printf(b, "\nretries: %" PRIu64, j->retry.max);
	if (j->retry.max > 0) {
		buf_str(b, " after exit code 75, waiting ");
		put_duration(b, j->retry.base);
		buf_str(b, "..");
		put_duration(b, j->retry.cap);
	}
}

static int
put_plan(struct buf *b, const struct job *j, struct err *e)
{
	if (db_url_check(j->url, e) == -1)
		return -1;
	buf_printf(b, "name: %s", j->name);
	put_script_command(b, &j->script);
	put_database(b, j->url);
	if (j->schema != NULL) {
		buf_str(b, "\ncontrol schema: ");
		put_shell_word(b, j->schema);
	}
	buf_str(b, "\nenvironment: DATABASE_URL ETL_RUN ETL_PIPELINE "
	    "ETL_ATTEMPT ETL_REPORTS TRACEPARENT");
	if (j->schema != NULL)
		buf_str(b, " ETL_CONTROL_SCHEMA");
	if (*j->env_names != '\0')
		buf_printf(b, "\nfrom --env-file:%s", j->env_names);
	put_schedule(b, j);
	if (j->on_failure != NULL) {
		buf_str(b, "\non failure: /bin/sh -c ");
		put_shell_word(b, j->on_failure);
	}
	if (lock_put(b, j->url, j->name, e) == -1)
		return -1;
	buf_char(b, '\n');
	return buf_check(b, e);
}

int
dry_run_print(const struct job *j)
{
	struct err e = { 0 };
	struct buf b;
	int code = 0;

	buf_init(&b, PLAN);
	if (put_plan(&b, j, &e) == -1)
		code = err_report("etl-run", &e);
	else if (fwrite(b.data, 1, b.len, stdout) != b.len ||
	    fflush(stdout) == EOF)
		code = (err_errno(&e, ERR_IO, "standard output"),
		    err_report("etl-run", &e));
	buf_release(&b);
	return code;
}

/* The start times of --every: start, start + every, start + 2 every and so on,
 * on the monotonic clock, each delayed by a random time of at most jitter.
 * Gives: schedule_next() returns the next start time. Start times that passed
 *        during a long run are skipped; the run is not repeated for them. */

struct schedule {
	int64_t start, every, jitter;   /* ms */
	int64_t slot;                   /* the number of the next start time */
};

/* Returns a random number from 0 to most. */
static int64_t
get_random_delay(int64_t most)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return 0;
	return (int64_t)(random % ((uint64_t)most + 1));
}

/* Returns the next start time, with a random delay (jitter). Skips start times
 * that have passed. A start time has passed only when its longest possible
 * delay is over. */
static int64_t
schedule_next(struct schedule *s, int64_t now)
{
	int64_t over = now - s->start - s->jitter, at;

	if (s->every > 0 && over > 0 && over / s->every > s->slot)
		s->slot = over / s->every;
	do
		at = s->start + s->slot++ * s->every +
		     get_random_delay(s->jitter);
	while (at < now && s->every > 0);
	return at;
}

enum { RUN_SHOWN = 8 };         /* digits of the run's uuid in messages */

static void
print_counts(const struct run_end *r)
{
	if (r->streams == 0) {
		err_printf(": no loads");
		return;
	}
	err_printf(": %lld extracted, %lld loaded, %lld unchanged, "
	    "%lld rejected, %lld dropped", (long long)r->extracted,
	    (long long)r->loaded, (long long)r->unchanged,
	    (long long)r->rejected, (long long)r->dropped);
	if (r->superseded > 0)
		err_printf(", %lld superseded",
		    (long long)r->superseded);
	if (r->skipped > 0)
		err_printf(", %lld skipped",
		    (long long)r->skipped);
	if (r->missed > 0)
		err_printf(", %lld missed", (long long)r->missed);
	if (r->removed > 0)
		err_printf(", %lld removed",
		    (long long)r->removed);
}

/* Prints the etl-status command that shows more about the run. The command has
 * the option --db or --control-schema if the URL or the schema came from an
 * option or from --env-file: etl-status would not find them in the environment
 * of the user. */
static void
print_status_hint(const struct attempt *a, const struct job *j)
{
	struct buf options;
	bool is_public;

	buf_init(&options, SIZE_MAX / 4);
	is_public = db_put_options(&options, j->url_given ? j->url : NULL,
	    j->schema);
	err_printf("; see%s: etl-status%s --run %.*s\n",
	    is_public ? "" : ", with its URL in DATABASE_URL",
	    buf_text(&options), RUN_SHOWN, a->run);
	buf_release(&options);
}

/* Prints a line about the outcome of the attempt. If the error message has
 * several lines, prints only the first one; the run's row in the database has
 * all of them. */
static void
print_outcome(struct attempt *a, const struct job *j)
{
	const char *why = a->message.failed && !a->message.full ?
	    "out of memory" : buf_text(&a->message);

	if (a->code == 0 && a->failed.len > 0)
		err_warnf("etl-run", "%s: %s", j->name, buf_text(&a->failed));
	if (a->code == 0 && !j->verbose)
		return;
	if (!a->started) {
		err_printf("etl-run: %s: %s\n", j->name, why);
		return;
	}
	err_printf("etl-run: %s: %s in %lld.%llds", j->name,
	    a->code == 0 ? "success" : "failed", (long long)a->ms / 1000,
	    (long long)a->ms % 1000 / 100);
	if (a->code == 0) {
		print_counts(&a->end);
		err_printf(" (run %.*s)\n", RUN_SHOWN, a->run);
		return;
	}
	if (a->ending.len > 0)
		why = buf_text(&a->ending);
	err_printf(": %.*s", (int)strcspn(why, "\n"), why);
	print_status_hint(a, j);
}

/* Returns true if the failed attempt may be repeated, and sets *delay_ms to the
 * delay in ms. Prints the delay. An attempt that found another run alive is not
 * repeated. An attempt that has appended records is not repeated either,
 * because the rows would then be in the table twice: this function prints that
 * reason instead. */
static bool
may_retry(const struct attempt *a, const struct job *j, int64_t *delay_ms)
{
	if (a->append_ended) {
		err_printf("etl-run: %s: do not run this again "
		    "without a check: the load of a table without --key is "
		    "complete, and a second one would append the same rows "
		    "again\n", j->name);
		return false;
	}
	if (a->code != EX_TEMPFAIL || a->signal != 0 || a->held ||
	    (uint64_t)a->number > j->retry.max)
		return false;
	if (a->started && !a->completed)
		return false;
	if (a->end.appended) {
		err_printf("etl-run: %s: not tried again: the run "
		    "has appended records, which another attempt would append "
		    "a second time\n", j->name);
		return false;
	}
	*delay_ms = retry_delay(&j->retry, (uint64_t)a->number);
	err_printf("etl-run: %s: trying again in %lld.%llds "
	    "(%d of %llu)\n", j->name, (long long)*delay_ms / 1000,
	    (long long)*delay_ms % 1000 / 100, a->number,
	    (unsigned long long)j->retry.max);
	return true;
}

/* Makes an attempt. Repeats it while it fails with exit code 75 and --retries
 * permits another one. *a is the last attempt. */
static void
run_attempts(struct job *j, struct attempt *a, int *sig)
{
	char before[UUID_TEXT] = "";
	int64_t wait = 0;

	for (int n = 1;; n++) {
		attempt_init(a, n);
		memcpy(a->retry_of, before, sizeof(before));
		attempt_run(a, j);
		print_outcome(a, j);
		j->appended |= a->end.appended;
		*sig = a->signal != 0 ? a->signal : stop_signal();
		if (*sig != 0 || !may_retry(a, j, &wait))
			return;
		if (wait_ms(wait) == -1) {
			*sig = stop_signal();
			return;
		}
		if (a->started)
			memcpy(before, a->run, sizeof(before));
		attempt_release(a);
	}
}

/* Sets j->traceparent to a random trace id, for a run whose caller has not set
 * TRACEPARENT: each run is then a trace of its own. */
static void
set_traceparent(struct job *j)
{
	char trace[33], span[17];

	random_hex(trace, sizeof(trace) - 1);
	random_hex(span, sizeof(span) - 1);
	(void)snprintf(j->traceparent, sizeof(j->traceparent), "00-%s-%s-01",
	    trace, span);
}

/* Warns if data was piped into etl-run, but the pipeline got /dev/null as its
 * standard input and its streams had no records. */
static void
warn_unread_stdin(const struct attempt *a, const struct job *j)
{
	int left = 0;

	if (!j->no_stdin || a->code != 0 || a->end.streams == 0 ||
	    a->end.extracted > 0 || isatty(STDIN_FILENO) == 1 ||
	    ioctl(STDIN_FILENO, FIONREAD, &left) == -1 || left == 0)
		return;
	err_warnf("etl-run", "%s: standard input was not read, because another "
	    "attempt (--retries, --every) could not read it again: name a file "
	    "in the script", j->name);
}

/* Runs the pipeline once. Sets *why to the failure, which may be that of an
 * earlier attempt. */
static int
run_locked(struct job *j, int *sig, struct err *why)
{
	struct attempt a;
	int code;

	*why = (struct err){ 0 };
	if (!j->traced)
		set_traceparent(j);
	if (lock_take(&j->lock, j->url, j->name, why) == -1)
		return err_report("etl-run", why);
	run_attempts(j, &a, sig);
	lock_release(&j->lock);
	code = a.code;
	if (code != 0)
		(void)err_set(why, code == ERR_GONE ? ERR_IO :
		    (enum err_code)code, false, "%.*s",
		    (int)strcspn(buf_text(&a.message), "\n"),
		    buf_text(&a.message));
	warn_unread_stdin(&a, j);
	if (code != 0 && *sig == 0 && j->on_failure != NULL &&
	    (!a.held || a.number > 1))
		on_failure_run(&a, j, sig);
	attempt_release(&a);
	return code;
}

int
job_run(struct job *j, int *sig)
{
	struct schedule s = { .start = clock_ms(),
	    .every = (int64_t)j->every, .jitter = (int64_t)j->jitter };
	struct err why = { 0 };
	int code = 0;

	do {
		if (wait_ms(schedule_next(&s, clock_ms()) - clock_ms()) == -1) {
			*sig = stop_signal();
			break;
		}
		code = run_locked(j, sig, &why);
	} while (*sig == 0 && j->every > 0);
	if (*sig != 0 && code == 0 && j->every == 0)
		(void)err_set(&why, ERR_RETRY, false, "stopped by a signal");
	run_report_run_end(&j->report, &why, j->appended);
	return code;
}
