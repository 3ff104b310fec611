#include "run.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/stop.h"
#include "base/text.h"
#include "child.h"
#include "control/control.h"
#include "db/db.h"
#include "streams.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SH_DENIED = 126, SH_MISSING = 127, SH_SIGNAL = 128 };

/* Returns the signal that killed the script, or 0. If the last program of the
 * script was killed, sh itself exits with 128 + signal; that counts too. */
static int
get_killing_signal(const struct child_end *end)
{
	int code;

	if (WIFSIGNALED(end->status))
		return WTERMSIG(end->status);
	code = WEXITSTATUS(end->status);
	return code > SH_SIGNAL && code - SH_SIGNAL < SIGRTMIN ?
	    code - SH_SIGNAL : 0;
}

/* Returns the exit code for a script that this signal has killed. */
static int
signal_exit_code(int sig)
{
	switch (sig) {
	case SIGSEGV: case SIGBUS: case SIGILL: case SIGFPE: case SIGABRT:
	case SIGSYS: case SIGTRAP:
		return EX_SOFTWARE;
	case SIGPIPE: case SIGXFSZ:
		return EX_IOERR;
	default:
		return EX_TEMPFAIL;
	}
}

static bool
program_exists(const char *name, size_t n)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];
	size_t dir;

	if (memchr(name, '/', n) != NULL) {
		(void)snprintf(file, sizeof(file), "%.*s", (int)n, name);
		return access(file, F_OK) == 0;
	}
	while (path != NULL && *path != '\0') {
		dir = strcspn(path, ":");
		(void)snprintf(file, sizeof(file), "%.*s/%.*s", (int)dir,
		    path, (int)n, name);
		if (access(file, F_OK) == 0)
			return true;
		path += dir + (path[dir] == ':');
	}
	return false;
}

/* True if `words` is a line such as "sh: 3: jqq: not found" and the program jqq
 * really does not exist. If a missing program is not the last one of a pipe,
 * this line is the only sign of it, because sh returns only the exit status of
 * the last program. */
static bool
is_not_found_line(const char *words)
{
	static const char *const ends[] = {
		": command not found", ": not found",
		": No such file or directory"           /* bash, of a path */
	};
	size_t len = strlen(words), n;
	const char *name;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		n = strlen(ends[i]);
		if (len <= n || strcmp(words + len - n, ends[i]) != 0)
			continue;
		len -= n;
		for (n = 0; n < len && words[len - n - 1] != ' '; n++)
			;
		name = words + len - n;
		return n > 0 && n + 1 < len && name[-2] == ':' &&
		    (i < 2 || strstr(words, ": line ") != NULL) &&
		    !program_exists(name, n);
	}
	return false;
}

/* Returns the exit code of etl-run: that of the script, with these exceptions.
 * 70: a signal such as SEGV killed the script or its last program (128 + n);
 *     74 if this was PIPE or XFSZ, 75 if it was any other signal.
 * 75: the run was stopped by a signal or at the timeout.
 * 77: the script exited with 126, because a program may not be executed.
 * 78: the script exited with 127, because a program does not exist. Also if the
 *     missing program is not the last one of a pipe. */
static int
outcome_exit_code(const struct child_end *end, struct cause *c)
{
	int sig = get_killing_signal(end), code;

	if (end->late || end->signal != 0)
		return EX_TEMPFAIL;
	if (sig != 0)
		return signal_exit_code(sig);
	code = WEXITSTATUS(end->status);
	if (code == SH_DENIED)
		return EX_NOPERM;
	if (code == EX_TEMPFAIL && is_not_found_line(cause_other_line(c)))
		return EX_CONFIG;
	return code == SH_MISSING ? EX_CONFIG : code;
}

static void
put_signal(struct buf *b, const char *what, int sig)
{
	const char *name = sigabbrev_np(sig);

	if (name != NULL)
		buf_printf(b, "%s by SIG%s", what, name);
	else
		buf_printf(b, "%s by signal %d", what, sig);
}

/* Appends how the script ended: its exit code, a signal or the timeout. */
static void
outcome_put_status(struct buf *b, const struct child_end *end,
    uint64_t timeout)
{
	int sig = get_killing_signal(end);

	if (end->signal != 0) {
		put_signal(b, "stopped", end->signal);
	} else if (end->late) {
		if (timeout % 1000 == 0)
			buf_printf(b, "stopped after %" PRIu64 "s",
			    timeout / 1000);
		else
			buf_printf(b, "stopped after %" PRIu64 "ms", timeout);
		buf_str(b, " (--timeout)");
	} else if (sig != 0) {
		put_signal(b, "killed", sig);
	} else {
		buf_printf(b, "the script exited with %d",
		    WEXITSTATUS(end->status));
	}
}

/* Appends the message for the run's row: the error message of the stage that
 * failed first or, if there is none, how the script ended. Appends nothing
 * after a success. */
static void
outcome_put_message(struct buf *b, const struct child_end *end,
    uint64_t timeout, struct cause *c)
{
	const char *last = cause_last(c),
		   *words = cause_other_line(c), *text;
	bool ended = end->signal == 0 && !end->late;
	int sig = get_killing_signal(end);

	if (ended && outcome_exit_code(end, c) == 0)
		return;
	if (ended && *cause_first(c) != '\0') {
		buf_str(b, cause_first(c));
		if (*words != '\0')
			buf_printf(b,
			    "; another program printed before that: %s", words);
		return;
	}
	outcome_put_status(b, end, timeout);
	/* sh prints a text such as "Killed" for a program that was killed by a
	 * signal: it says nothing more. */
	text = sig != 0 ? sigdescr_np(sig) : NULL;
	if (ended && *last != '\0' &&
	    (text == NULL || strcmp(text, last) != 0))
		buf_printf(b, ": %s", last);
}

/* Appends the working directory as the shell names it in PWD. PWD may be a
 * symbolic link that points to a new directory after each release of the
 * scripts. The paths of the scripts then stay the same. */
static int
put_folder(struct buf *b, struct err *e)
{
	char *folder = get_current_dir_name();

	if (folder == NULL)
		return err_errno(e, ERR_IO, "working directory");
	buf_str(b, folder);
	if (b->len > 0 && b->data[b->len - 1] != '/')
		buf_char(b, '/');
	free(folder);
	return 0;
}

/* Appends the path. A relative path gets the working directory in front of
 * it. */
static int
put_full_path(struct buf *b, const char *path, struct err *e)
{
	while (strncmp(path, "./", 2) == 0)
		path += 2 + strspn(path + 2, "/");
	if (*path != '/' && put_folder(b, e) == -1)
		return -1;
	buf_str(b, path);
	return buf_check(b, e);
}

/* Appends the absolute path of the script as the database can store it, with
 * control characters escaped. Appends nothing for -c and standard input. */
static int
script_place_put(struct buf *place, const struct script *s, struct db *db,
    struct err *e)
{
	struct buf path, shown;
	int rc = 0, limited;

	if (s->path.len == 0)
		return 0;
	buf_init(&path, SIZE_MAX / 4);
	buf_init(&shown, SIZE_MAX / 4);
	limited = db_lacks_unicode(db, e);
	if (limited == -1 || put_full_path(&path, s->path.data, e) == -1)
		rc = -1;
	if (rc == 0)
		text_show(&shown, path.data, path.len);
	if (rc == 0 && (rc = buf_check(&shown, e)) == 0) {
		if (limited == 1)
			text_put_ascii(place, shown.data, shown.len);
		else
			buf_add(place, shown.data, shown.len);
		(void)buf_text(place);
		rc = buf_check(place, e);
	}
	buf_release(&path);
	buf_release(&shown);
	return rc;
}

static bool
is_same_script(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 ||
	    (stat(a, &x) == 0 && stat(b, &y) == 0 && is_same_file(&x, &y));
}

/* Refuses a script at `place` if the last run of this name had another one,
 * unless --moved is given. */
static int
script_place_check(const struct job *j, const char *place, struct db *db,
    struct err *e)
{
	struct buf last;
	int rc;

	if (*place == '\0' || j->moved)
		return 0;
	buf_init(&last, SIZE_MAX / 4);
	rc = run_last_script(db, j->name, &last, e);
	if (rc == 0 && last.len > 0 &&
	    !is_same_script(buf_text(&last), place))
		rc = err_set(e, ERR_CONFIG, false, "in %s the name of this "
		    "pipeline belongs to the script %s, but this run has the "
		    "script %s: give each script its own --name, or, if the "
		    "script was moved, give --moved once", db_name(db),
		    buf_text(&last), place);
	buf_release(&last);
	return rc;
}

enum {
	MESSAGE = 48 << 10, LOG = 64 << 10,
	FIRST_WAIT = 100,       /* ms from the first try to complete the row to
				 * the second; each wait is twice the last
				 * one */
	TRIES = 8, TRIES_STOPPED = 4
};

void
attempt_init(struct attempt *a, int number)
{
	*a = (struct attempt){ .number = number };
	buf_init(&a->message, MESSAGE);
	buf_init(&a->ending, MESSAGE);
	buf_init(&a->failed, SIZE_MAX / 4);
	reports_init(&a->reports);
	tail_init(&a->said);
}

void
attempt_release(struct attempt *a)
{
	buf_release(&a->message);
	buf_release(&a->ending);
	buf_release(&a->failed);
	reports_release(&a->reports);
	tail_release(&a->said);
}

/* Takes the lease of the pipeline: the row of the run, in status running. If
 * the last run was killed, its file of reports still exists and says how its
 * streams have ended. Returns 1 if another run has the lease. */
static int
take_lease(struct db *db, struct run *row, const struct job *j, struct err *e)
{
	struct reports old;
	struct err none;
	int64_t dead = 0;
	int rc;

	reports_init(&old);
	if (reports_read(&old, j->lock.reports, &none) == -1)
		reports_release(&old);
	rc = run_take_lease(db, row, machine_run_is_alive,
	    old.run != NULL ? &old.found : NULL, &dead, e);
	reports_release(&old);
	if (dead > 0 && j->verbose)
		err_printf("etl-run: %s: %lld run%s that had been "
		    "killed marked as abandoned\n", j->name, (long long)dead,
		    dead == 1 ? "" : "s");
	return rc;
}

static int
start_row(struct attempt *a, const struct job *j, struct err *e)
{
	struct run row = { .run = a->run, .pipeline = j->name,
	    .retry_of = *a->retry_of != '\0' ? a->retry_of : NULL,
	    .host = j->host, .traceparent = j->traceparent,
	    .machine = *j->lock.machine != '\0' ? j->lock.machine : NULL,
	    .attempt = a->number };
	struct machine m;
	struct buf place;
	struct db *db = NULL;
	int rc = -1;

	buf_init(&place, SIZE_MAX / 4);
	if (control_open_tables(&db, j->url, j->schema, true, e) == -1)
		goto out;
	if (script_place_put(&place, &j->script, db, e) == -1 ||
	    script_place_check(j, buf_text(&place), db, e) == -1)
		goto out;
	row.script = place.len > 0 ? place.data : NULL;
	machine_set_process(&m, &row);
	rc = take_lease(db, &row, j, e);
	a->held = rc == 1;
out:
	db_close(db);
	buf_release(&place);
	return rc == 0 ? 0 : -1;
}

struct renewal {
	const struct job *job;
	const char *run;
};

/* Renews the row of the run, and the times of the lock files. */
static void
renew_run(const void *arg)
{
	const struct renewal *r = arg;
	struct err e = { 0 };
	struct db *db = NULL;

	lock_touch_files(&r->job->lock);
	if (control_open(&db, r->job->url, r->job->schema, true,
	    &e) == -1 || run_renew(db, r->run, &e) == -1)
		err_warnf("etl-run", "%s: cannot renew the row of the run: %s",
		    r->job->name, e.msg);
	db_close(db);
}

static int
complete_row_once(struct attempt *a, const struct job *j, bool ok,
    struct err *e)
{
	struct run_outcome how = { .script_ok = ok, .tolerates = j->tolerates,
		.streams = a->reports.run != NULL ? &a->reports.found : NULL,
		.texts = { .message = a->message.len > 0 ?
		    buf_text(&a->message) : NULL } };
	struct db *db = NULL;
	struct buf log;
	int rc = -1;

	buf_init(&log, (size_t)2 * LOG);
	tail_put_escaped(&log, &a->said);
	if (log.len > 0)
		how.texts.log = buf_text(&log);
	if (buf_check(&log, e) == 0 &&
	    control_open(&db, j->url, j->schema, true, e) == 0)
		rc = run_complete(
		    db, a->run, &how, &a->end, &a->failed, e);
	db_close(db);
	buf_release(&log);
	return rc;
}

/* Called if the connection was lost during a COMMIT, so that it is not known
 * whether the transaction was committed. Returns 1 if the run's row has the
 * outcome that complete_row() wrote, 0 if not, -1 on failure. */
static int
is_row_completed(const struct attempt *a, const struct job *j, struct err *e)
{
	struct db_value v = db_text(a->run);
	struct db *db = NULL;
	int64_t ours = 0;
	int rc = control_open(&db, j->url, j->schema, true, e);

	if (rc == 0)
		rc = db_query_int(db, db_sql(db, SQL_RUN_ENDED), &v, 1, 0,
		    &ours, e);
	db_close(db);
	return rc == -1 ? -1 : ours == 1;
}

/* Writes the outcome of the run to its row in the table pipeline_runs. If that
 * fails, tries again: TRIES times in about 13 seconds, because a database
 * server may be restarting, or TRIES_STOPPED times in less than a second after
 * a stop signal. If a signal is received during a wait, it tries only once
 * more. */
static int
complete_row(struct attempt *a, const struct job *j, bool ok, struct err *e)
{
	int tries = a->signal != 0 ? TRIES_STOPPED : TRIES, done;
	bool stopped = stop_signal() != 0;
	int64_t wait = FIRST_WAIT;
	struct err over;

	while (complete_row_once(a, j, ok, e) == -1) {
		over = *e;
		done = e->code == ERR_RETRY && wait > FIRST_WAIT ?
		    is_row_completed(a, j, e) : 0;
		if (done == 1)
			return 0;
		if (done == 0)
			*e = over;
		if (!e->transient || --tries == 0 ||
		    (wait_ms(wait) == -1 && stopped))
			return -1;
		stopped = stop_signal() != 0;
		wait *= 2;
	}
	return 0;
}

static int
set_environment(const struct attempt *a, const struct job *j, struct err *e)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", a->number);
	if (setenv("DATABASE_URL", j->url, 1) == -1 ||
	    (j->schema != NULL &&
	    setenv("ETL_CONTROL_SCHEMA", j->schema, 1) == -1) ||
	    setenv("ETL_RUN", a->run, 1) == -1 ||
	    setenv("ETL_PIPELINE", j->name, 1) == -1 ||
	    setenv("ETL_ATTEMPT", number, 1) == -1 ||
	    setenv("ETL_REPORTS", j->lock.reports, 1) == -1 ||
	    setenv("TRACEPARENT", j->traceparent, 1) == -1)
		return err_errno(e, ERR_IO, "environment");
	return 0;
}

/* Runs the script and sets the exit code and the message of the attempt. */
static int
run_script(struct attempt *a, const struct job *j, struct err *e)
{
	const struct renewal r = { j, a->run };
	const struct child_spec s = {.argv = j->script.argv,
	    .no_stdin = j->no_stdin,
	    .name = j->name,
	    .tail = &a->said,
	    .timeout = j->timeout,
	    .renew = renew_run,
	    .arg = &r};
	struct child_end end;
	struct cause c;
	int rc;

	cause_init(&c);
	rc = child_run(&s, &c, &end, e);
	if (rc == 0) {
		a->signal = end.signal;
		a->code = outcome_exit_code(&end, &c);
		a->script_exited_75 = WIFEXITED(end.status) &&
		    WEXITSTATUS(end.status) == EX_TEMPFAIL;
		outcome_put_message(&a->message, &end, j->timeout, &c);
		outcome_put_status(&a->ending, &end, j->timeout);
	}
	cause_release(&c);
	return rc;
}

/* Makes the attempt fail with an error of etl-run itself, for example because
 * the database cannot be opened. */
static void
set_failure(struct attempt *a, const struct err *e)
{
	a->code = err_exit_code(e);
	buf_clear(&a->message);
	buf_clear(&a->ending);
	text_show(&a->message, e->msg, strlen(e->msg));
}

/* Makes the attempt fail because the outcome could not be written to its
 * row. */
static void
fail_incomplete(struct attempt *a, struct err *e)
{
	if (e->code == ERR_RETRY)
		(void)err_set(e, ERR_RETRY, true, "the run has lost its "
		    "lease: another run of this name marked it abandoned, or "
		    "somebody deleted its row");
	else
		err_prefix(e, "the run has ended, but its row still says "
		    "running");
	set_failure(a, e);
	a->code = EX_TEMPFAIL;
	a->end.append_ended |= a->reports.append_ended;
}

/* Makes the attempt a failure if the script exited with 0 but a stream failed
 * or was not loaded to its end, or if rejects were stored nowhere. */
static void
judge_streams(struct attempt *a, const struct job *j)
{
	const struct run_end *end = &a->end;

	if (a->code != 0 || end->success)
		return;
	a->code = end->streams_failed && !j->tolerates ?
	    EX_TEMPFAIL : EX_DATAERR;
	if (a->code == EX_TEMPFAIL && a->reports.code != 0)
		a->code = a->reports.code;
	buf_clear(&a->message);
	buf_clear(&a->ending);
	buf_str(&a->message, "the script exited with 0, but ");
	if (a->failed.len > 0)
		buf_printf(&a->message, "the run has %s",
		    buf_text(&a->failed));
	else
		buf_printf(&a->message, "only %lld of %lld loads are complete",
		    (long long)end->ended, (long long)end->streams);
}

/* Creates the file for the reports of the stages, executes the script, and
 * reads the file. */
static int
run_with_reports(struct attempt *a, struct job *j, struct err *e)
{
	if (reports_create(j->lock.reports, a->run, e) == -1 ||
	    run_script(a, j, e) == -1)
		return -1;
	if (reports_read(&a->reports, j->lock.reports, e) == -1)
		return -1;
	if (a->reports.run == NULL || strcmp(a->reports.run, a->run) != 0)
		return err_set(e, ERR_IO, false, "%s: this file with the "
		    "reports of the stages was removed or replaced while the "
		    "script ran, so it is not known whether all records were "
		    "loaded: check the tables, and let no other program change "
		    "this file", j->lock.reports);
	return 0;
}

void
attempt_run(struct attempt *a, struct job *j)
{
	struct err e = { 0 };
	int64_t start = clock_ms();

	uuid_new(a->run);
	lock_write_holder(&j->lock, a->run);
	if (set_environment(a, j, &e) == -1 ||
	    start_row(a, j, &e) == -1) {
		set_failure(a, &e);
		return;
	}
	a->started = true;
	if (run_with_reports(a, j, &e) == -1)
		set_failure(a, &e);
	same_names_warn(&a->reports, j->name);
	a->ms = clock_ms() - start;
	a->completed = complete_row(a, j, a->code == 0, &e) == 0;
	/* The loads of an etl-run inside the run are in the ledger, but not as
	 * loads of this run. */
	a->end.appended |= a->reports.nested_appended;
	a->end.append_ended |= a->reports.nested_appended;
	if (a->completed) {
		(void)unlink(j->lock.reports);
		judge_streams(a, j);
	} else {
		fail_incomplete(a, &e);
	}
	/* Exit code 75 means that the caller may execute the same command
	 * again. If an append was complete, the second execution would add its
	 * rows again. So 75 becomes 74, unless the script itself has exited
	 * with 75 and the outcome was stored. */
	if (a->code == EX_TEMPFAIL && a->end.append_ended &&
	    !(a->script_exited_75 && a->completed)) {
		a->code = EX_IOERR;
		a->append_ended = true;
	}
}
