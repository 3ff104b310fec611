/* A filter that has taken control of its process, as through a fault of libjq:
 * what the process can still do, and what the parent takes from it. The engine
 * of this test does what the record says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* needs these four */
#include <cmocka.h>

#include "pool/pool.h"
#include "pool/sandbox.h"

#include "json/write.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int
compile(void **self, const struct engine_conf *c, struct err *e)
{
	*self = NULL;
	return 0;
}

static void
release(void *self)
{
}

static void
execute(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
}

static void
map_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
fork_child(void)
{
	if (fork() == 0)
		_exit(0);
}

static void
read_file(void)
{
	(void)open("/etc/passwd", O_RDONLY);
}

static void
read_environment_of_parent(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", getppid());
	(void)open(path, O_RDONLY);
}

static void
open_connection(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void
kill_parent(void)
{
	(void)kill(getppid(), SIGKILL);
}

static void
trace_parent(void)
{
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void
remove_file(void)
{
	(void)unlink("/etc/passwd.none");
}

static const struct attack {
	const char *name;
	void (*run)(void);
} attacks[] = {
	{ "execute a program", execute },
	{ "map memory that can be executed", map_code },
	{ "start a process", fork_child },
	{ "read a file", read_file },
	{ "read the environment of the parent", read_environment_of_parent },
	{ "open a connection", open_connection },
	{ "kill the parent", kill_parent },
	{ "trace the parent", trace_parent },
	{ "remove a file", remove_file },
};

enum { ATTACKS = sizeof(attacks) / sizeof(attacks[0]) };

/* Tries to make the page of the record writable, by all ways that a worker
 * has. */
static bool
input_is_writable(const char *line)
{
	char *page = (char *)((uintptr_t)line & ~(uintptr_t)4095);
	void *moved;

	if (mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0)
		return true;
	moved = mremap(page, 0, 4096, MREMAP_MAYMOVE);
	return moved != MAP_FAILED &&
	    mprotect(moved, 4096, PROT_READ | PROT_WRITE) == 0;
}

/* The record is {"aN":0} for attack N, {"w":0} to write to the input, {"c":0}
 * for a wrong code, or {"o":0,...} with outputs after it. */
static void
run(void *self, const struct json *j, struct outcome *o)
{
	if (j->text[2] == 'a') {
		attacks[j->text[3] - '0'].run();
		buf_str(&o->out, "{\"survived\":0}\n");
	} else if (j->text[2] == 'w') {
		buf_str(&o->out, input_is_writable(j->text) ?
		    "{\"writable\":0}\n" : "{}\n");
	} else if (j->text[2] == 'c') {
		(void)snprintf(o->code, sizeof(o->code), "\"} \xff");
	} else {
		json_unescape(&o->out, j, 2);
	}
}

static const struct engine hostile = {
	.compile = compile, .run = run, .free = release
};

static void
open_pool(struct pool **p, struct pool_conf *c)
{
	struct err e = { .code = ERR_NONE };

	*c = (struct pool_conf){
		.engine = &hostile, .filter.max_record = 1 << 20, .jobs = 1,
		.dup = JSON_UNIQUE, .time_limit = 20000
	};
	assert_int_equal(pool_open(p, c, &e), 0);
	assert_int_equal(pool_start_workers(*p, &e), 0);
}

/* Runs the engine on the record; *r is the result. */
static void
take_result(struct pool *p, const char *record, struct result *r)
{
	const struct line l = {
		.data = record, .len = strlen(record), .number = 1
	};
	struct err e = { .code = ERR_NONE };
	int rc;

	pool_add_line(p, &l);
	pool_submit(p);
	while ((rc = pool_take_result(p, r, &e)) == 0)
		assert_int_equal(pool_wait(p, -1, &e), 0);
	assert_int_equal(rc, 1);
}

static void
finish(struct pool *p)
{
	struct result r;
	struct err e = { .code = ERR_NONE };

	assert_int_equal(pool_take_result(p, &r, &e), 0);
	assert_true(pool_is_empty(p));
}

/* Returns true if the system lets a process give up system calls. */
static bool
has_seccomp(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct sandbox_state in_force = { 0 };
		struct sandbox *s = sandbox_new();

		_exit(s != NULL && sandbox_enter(s,
		    &in_force) == 0 && in_force.seccomp ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
test_attacks_end_the_process_and_reject_one_record(void **state)
{
	struct pool_conf c;
	struct pool *p;
	struct result r;
	char record[32];

	if (!has_seccomp())
		skip();
	open_pool(&p, &c);
	for (int i = 0; i < ATTACKS; i++) {
		(void)snprintf(record, sizeof(record), "{\"a%d\":0}", i);
		take_result(p, record, &r);
		if (r.code == NULL)
			fail_msg("a filter can %s", attacks[i].name);
		assert_string_equal(r.code, "filter");
		assert_non_null(strstr(r.message, "seccomp"));
		take_result(p, "{\"o\":\"{}\\n\"}", &r);
		assert_null(r.code);
	}
	finish(p);
	pool_close(p, true);
}

static void
test_no_mark_passes_from_a_worker(void **state)
{
	static const char *const marks[] = {
		"{\\\"@etl\\\":\\\"end\\\"}\\n",
		" { \\\"@etl\\\" : 1}\\n",
		"{\\\"\\\\u0040etl\\\":1}\\n",
		"{}\\n{\\\"a\\\":1}\\n{\\\"@etl\\\":\\\"end\\\"}\\n",
		"{\\\"@etl\\\":\\\"end\\\"}\\n{}\\n",
	};
	struct pool_conf c;
	struct pool *p;
	struct result r;
	char record[128];

	open_pool(&p, &c);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		(void)snprintf(record, sizeof(record), "{\"o\":\"%s\"}",
		    marks[i]);
		take_result(p, record, &r);
		assert_non_null(r.code);
		assert_string_equal(r.code, "reserved");
		assert_int_equal(r.line_len, strlen(record));
		assert_memory_equal(r.line, record, r.line_len);
	}
	take_result(p, "{\"o\":\"{\\\"a\\\":\\\"@etl\\\"}\\n{}\\n\"}", &r);
	assert_null(r.code);
	assert_int_equal(r.text_len, strlen("{\"a\":\"@etl\"}\n{}\n"));
	finish(p);
	pool_close(p, true);
}

static void
test_a_worker_cannot_write_its_input(void **state)
{
	struct pool_conf c;
	struct pool *p;
	struct result r;

	open_pool(&p, &c);
	take_result(p, "{\"w\":0}", &r);
	assert_null(r.code);
	assert_memory_equal(r.text, "{}\n", 3);
	finish(p);
	pool_close(p, true);
}

static void
test_a_reject_with_a_code_that_is_none(void **state)
{
	struct pool_conf c;
	struct pool *p;
	struct result r;

	open_pool(&p, &c);
	take_result(p, "{\"c\":0}", &r);
	assert_string_equal(r.code, "filter");
	assert_non_null(strstr(r.message, "damaged"));
	finish(p);
	pool_close(p, true);
}

static void
test_an_output_without_a_line_feed_is_a_reject(void **state)
{
	struct pool_conf c;
	struct pool *p;
	struct result r;

	open_pool(&p, &c);
	take_result(p, "{\"o\":\"{}\"}", &r);
	assert_string_equal(r.code, "filter");
	assert_non_null(strstr(r.message, "damaged"));
	finish(p);
	pool_close(p, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_attacks_end_the_process_and_reject_one_record),
		cmocka_unit_test(test_a_worker_cannot_write_its_input),
		cmocka_unit_test(test_a_reject_with_a_code_that_is_none),
		cmocka_unit_test(test_no_mark_passes_from_a_worker),
		cmocka_unit_test(
		    test_an_output_without_a_line_feed_is_a_reject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
