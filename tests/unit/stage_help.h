/* Runs a small stage in a child process with given descriptors.  A word in a
 * record tells the stage what to do: "drop" drops the record, "die" ends the
 * program with 66, "twice" writes it two times, "forget" does not count it. */
#ifndef STAGE_HELP_H
#define STAGE_HELP_H

#include "base/stop.h"
#include "stream/stage.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREE_NONE, THREE_FILE, THREE_STDOUT };

struct given {
	struct stage_conf conf;
	const char *in;         /* stdin; NULL for /dev/null */
	bool file;              /* a regular file, else a pipe */
	int three;
	const char *run;        /* ETL_RUN */
	const char *pipeline;   /* ETL_PIPELINE */
};

struct got {
	int status;             /* exit code, or 128 + signal */
	char out[1 << 16], err[1 << 12], three[1 << 14];
};

static inline int
got_new(void **state)
{
	*state = calloc(1, sizeof(struct got));
	return *state == NULL;
}

static inline int
got_free(void **state)
{
	free(*state);
	return 0;
}

static inline int
step(struct stage *s, const struct stage_conf *c, struct json *j,
    struct err *e)
{
	struct reject r;
	struct line l;
	enum stage_item item = stage_next(s, &l, -1, e);
	int ok, n;

	if (item == STAGE_FAILED || item == STAGE_STOP)
		return -1;
	if (item == STAGE_END || item == STAGE_WAIT)
		return item == STAGE_WAIT;
	if (item == STAGE_MARK) {
		if (c->sink)
			(void)printf(
			    "mark %d\n", (int)stage_last_mark(s)->kind);
		return stage_pass(s, e) == -1 ? -1 : 1;
	}
	ok = c->sink
	    ? stage_parse_only(
	    s, &l, j, 2, JSON_UNIQUE, &r, e)
	    : stage_parse(s, &l, j, 2, JSON_UNIQUE, e);
	if (c->sink && ok >= 0)
		(void)printf("record %.*s%s%s\n", (int)l.len, l.data,
		    ok ? "" : " ", ok ? "" : r.code);
	if (ok != 1 || c->sink)
		return ok == -1 ? -1 : 1;
	if (memmem(l.data, l.len, "die", 3) != NULL)
		return err_set(e, ERR_INPUT, false, "died of it");
	n = memmem(l.data, l.len, "drop", 4) ? 0 :
	    memmem(l.data, l.len, "twice", 5) ? 2 : 1;
	for (int i = 0; i < n; i++)
		if (stage_emit(s, l.data, l.len, e) == -1)
			return -1;
	if (memmem(l.data, l.len, "forget", 6) == NULL)
		stage_count_input(s, n > 0);
	return 1;
}

/* Writes the records of a source, with a checkpoint mark after the second. */
static inline int
source(struct stage *s, const struct stage_conf *c, struct err *e)
{
	const struct checkpoint_mark p = { .name = c->checkpoint,
	    .value = "2", .from = c->lookback ? "1" : NULL, .version = 7 };
	const struct resolve_mark r = { .id = "9d", .seen = 2, .upto = 1 };

	for (int i = 0; i < 3; i++) {
		if (stage_emit(s, "{\"n\":1}", 7, e) == -1)
			return -1;
		if (i == 1 && c->checkpoint != NULL &&
		    stage_checkpoint(s, &p, e) == -1)
			return -1;
		if (i == 1 && c->replay != NULL &&
		    stage_resolve(s, &r, e) == -1)
			return -1;
	}
	return 0;
}

static inline int
program(const struct stage_conf *given)
{
	struct stage_conf c = *given;
	struct stage *s = NULL;
	struct json j = { 0 };
	struct err e = { 0 };
	struct stdfd fds;
	int rc = -1;

	if (stdfd_claim(&fds, &e) == -1)
		goto out;
	stop_init();
	c.fds = &fds;
	if (stage_open(&s, &c, &e) == -1)
		goto out;
	if (c.source && (stage_begin_source(s, &e) == -1 ||
	    source(s, &c, &e) == -1))
		goto out;
	while (!c.source && (rc = step(s, &c, &j, &e)) == 1)
		;
	if (rc == -1 && !c.source)
		goto out;
	rc = stage_end(s, &e);
out:
	if (rc == -1)
		stage_fail(s, &e);
	stage_close(s);
	json_release(&j);
	(void)fflush(stdout);
	stop_raise();
	return rc == -1 ? err_report(given->name, &e) : 0;
}

static inline int
file_of(const char *text)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	if (text != NULL)
		assert_true(fputs(text, f) >= 0);
	assert_int_equal(fflush(f), 0);
	fd = fcntl(fileno(f), F_DUPFD, 10);
	(void)fclose(f);
	assert_true(fd >= 10);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline void
read_back(int fd, char *into, size_t size)
{
	ssize_t n = pread(fd, into, size - 1, 0);

	assert_true(n >= 0);
	into[n] = '\0';
	(void)close(fd);
}

static inline void
child(const struct given *g, int in, int out, int err, int three)
{
	(void)alarm(20);
	(void)dup2(in, 0);
	(void)dup2(out, 1);
	(void)dup2(err, 2);
	if (g->three == THREE_NONE)
		(void)close(3);
	else
		(void)dup2(g->three == THREE_FILE ? three : 1, 3);
	if (g->run != NULL)
		(void)setenv("ETL_RUN", g->run, 1);
	if (g->pipeline != NULL)
		(void)setenv("ETL_PIPELINE", g->pipeline, 1);
	_exit(program(&g->conf));
}

static inline int
stdin_of(const struct given *g)
{
	int p[2], fd;

	if (g->in == NULL)
		return open("/dev/null", O_RDONLY);
	if (g->file)
		return file_of(g->in);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], g->in, strlen(g->in)), strlen(g->in));
	(void)close(p[1]);
	fd = fcntl(p[0], F_DUPFD, 10);
	(void)close(p[0]);
	return fd;
}

/* Runs the stage; its output goes to files, one for both with THREE_STDOUT. */
static inline void
run(struct got *r, const struct given *g)
{
	int in = stdin_of(g), out = file_of(NULL), err = file_of(NULL);
	int three = file_of(NULL), status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		child(g, in, out, err, three);
	(void)close(in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	r->status = WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
	read_back(out, r->out, sizeof(r->out));
	read_back(err, r->err, sizeof(r->err));
	read_back(three, r->three, sizeof(r->three));
}

#endif
