/* Tests of lib/stream: output is complete, or it fails and stays failed. */
#include "stream/line_writer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
read_slowly(int fd, size_t n)
{
	char b[1000];
	size_t at = 0;

	(void)alarm(20);
	while (at < n) {
		ssize_t got = read(fd, b, sizeof(b));

		if (got <= 0)
			_exit(1);
		for (ssize_t i = 0; i < got; i++, at++)
			if (b[i] != (at % 100001 == 100000 ? '\n' :
			    (char)('a' + at % 100001 % 23)))
				_exit(2);
	}
	_exit(read(fd, b, 1) == 0 ? 0 : 3);
}

/* A small non-blocking pipe causes short writes and EAGAIN. */
static void
output_is_whole_through_a_small_pipe(void **state)
{
	struct err e = { 0 };
	struct out *o;
	char line[100000];
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		(void)close(p[1]);
		read_slowly(p[0], sizeof(line) * 20 + 20);
	}
	assert_int_equal(out_open(&o, p[1], "out", &e), 0);
	assert_true(fcntl(p[1], F_SETPIPE_SZ, 4096) >= 4096);
	assert_int_equal(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = (char)('a' + i % 23);
	for (int i = 0; i < 20; i++)
		assert_int_equal(out_write_line(o, line, sizeof(line), &e), 0);
	assert_int_equal(out_flush(o, &e), 0);
	out_free(o);
	(void)close(p[1]);
	(void)close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Lines of about the buffer's size, with the buffer empty or partly full. */
static void
output_is_whole_at_the_buffer_size(void **state)
{
	struct err e = { 0 };
	struct out *o;
	FILE *f = tmpfile();
	char line[65600];
	int len;

	assert_non_null(f);
	assert_int_equal(out_open(&o, fileno(f), "out", &e), 0);
	memset(line, 'z', sizeof(line));
	for (size_t n = 65530; n < 65542; n++) {
		assert_int_equal(out_write_line(o, line, n, &e), 0);
		assert_int_equal(out_write_line(o, line, n, &e), 0);
		assert_int_equal(out_flush(o, &e), 0);
		assert_int_equal(out_write_line(o, line, 1, &e), 0);
	}
	assert_int_equal(out_flush(o, &e), 0);
	out_free(o);
	rewind(f);
	for (int n = 65530; n < 65542; n++)
		for (int i = 0; i < 3; i++) {
			for (len = 0; getc(f) == 'z'; len++)
				;
			assert_int_equal(len, i < 2 ? n : 1);
		}
	assert_int_equal(getc(f), EOF);
	(void)fclose(f);
}

static void
output_that_fails_stays_failed(void **state)
{
	struct err e = { 0 };
	struct out *o;
	int p[2], fd = open("/dev/full", O_WRONLY);

	assert_int_equal(out_open(&o, fd, "standard output", &e), 0);
	assert_int_equal(out_write_line(o, "{}", 2, &e), 0);
	assert_int_equal(out_flush(o, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_non_null(strstr(e.msg, "standard output: No space left"));
	assert_int_equal(dup2(STDERR_FILENO, fd), fd);  /* replaces /dev/full */
	assert_int_equal(out_write_line(o, "{}", 2, &e), 0);
	assert_int_equal(out_flush(o, &e), -1);
	assert_int_equal(e.code, ERR_IO);
	out_free(o);
	(void)close(fd);
	assert_int_equal(pipe(p), 0);
	(void)close(p[0]);
	assert_int_equal(out_open(&o, p[1], "standard output", &e), 0);
	assert_int_equal(out_write_line(o, "{}", 2, &e), 0);
	assert_int_equal(out_flush(o, &e), -1);
	assert_int_equal(e.code, ERR_GONE);
	out_free(o);
	(void)close(p[1]);
	out_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_is_whole_through_a_small_pipe),
		cmocka_unit_test(output_is_whole_at_the_buffer_size),
		cmocka_unit_test(output_that_fails_stays_failed),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
