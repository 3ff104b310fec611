#include "on_failure.h"

#include "child.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIME = 30000, JSON = 1 << 20 };

static void
text_put(struct buf *b, const char *name, const char *text)
{
	if (text == NULL || *text == '\0')
		json_put_raw(b, name, "null", 4);
	else
		json_put_text(b, name, text);
}

/* Without the database, what is known of a run here. */
static void
known_put(struct buf *b, struct attempt *a, const struct job *j)
{
	struct buf log;

	buf_init(&log, JSON);
	tail_put(&log, &a->said);
	buf_clear(b);
	buf_char(b, '{');
	text_put(b, "status", a->started ? "running" : "failed");
	text_put(b, "error_message", buf_text(&a->message));
	text_put(b, "pipeline", j->name);
	text_put(b, "run", a->run);
	json_put_int(b, "attempt", a->number);
	text_put(b, "retry_of", a->retry_of);
	text_put(b, "host", j->host);
	text_put(b, "traceparent", j->traceparent);
	text_put(b, "log", buf_text(&log));
	buf_char(b, '}');
	buf_release(&log);
}

/* A file in memory: a command that does not read it holds nobody. */
static int
input_open(struct attempt *a, const struct job *j, struct err *e)
{
	struct db *db = NULL;
	struct err none;
	struct buf b;
	int fd = -1;

	buf_init(&b, JSON);
	if (!a->started || db_open(&db, j->url, &none) == -1 ||
	    run_json(db, a->run, &b, &none) == -1)
		known_put(&b, a, j);
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
command_run(const struct job *j, int fd, struct child_end *end,
    struct err *e)
{
	const char *argv[] = { "/bin/sh", "/bin/sh", "-c", j->on_failure,
	    "sh", NULL };
	const struct child_spec s = { .argv = argv + 1, .input = fd,
	    .merged = true, .name = j->name, .timeout = TIME };
	struct cause c;
	int rc;

	(void)unsetenv("ETL_RUN");
	(void)unsetenv("ETL_PIPELINE");
	(void)unsetenv("ETL_ATTEMPT");
	cause_init(&c);
	rc = child_run(&s, &c, end, e);
	cause_release(&c);
	return rc;
}

static void
end_judge(const struct child_end *end, struct err *e)
{
	if (end->signal != 0)
		return;
	if (end->late)
		(void)err_set(e, ERR_REFUSED, false,
		    "stopped after %d seconds", TIME / 1000);
	else if (WIFSIGNALED(end->status))
		(void)err_set(e, ERR_REFUSED, false, "killed by signal %d",
		    WTERMSIG(end->status));
	else if (WEXITSTATUS(end->status) != 0)
		(void)err_set(e, ERR_REFUSED, false, "exited with %d",
		    WEXITSTATUS(end->status));
}

void
notify(struct attempt *a, const struct job *j, int *sig)
{
	struct child_end end = { 0 };
	struct err e = { 0 };
	int fd = input_open(a, j, &e);

	if (e.code == ERR_NONE && command_run(j, fd, &end, &e) == 0)
		end_judge(&end, &e);
	if (fd != -1)
		(void)close(fd);
	if (e.code != ERR_NONE)
		(void)fprintf(stderr, "etl-run: warning: %s: --on-failure: "
		    "%s\n", j->name, e.msg);
	*sig = end.signal;
}
