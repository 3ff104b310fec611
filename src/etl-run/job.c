#include "job.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/wait.h"
#include "db/db.h"
#include "dry_run.h"
#include "on_failure.h"
#include "schedule.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
