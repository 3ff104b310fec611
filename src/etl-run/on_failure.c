#include "on_failure.h"

#include "child.h"
#include "control/control.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

void
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
