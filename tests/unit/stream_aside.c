/* Tests of lib/stream: rejects written to descriptor 3 or to a file. */
#include "stream/reject.h"

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

/* The state of each test is the path of a new file. */
static int
path_new(void **state)
{
	char *path = strdup("/tmp/etl-aside.XXXXXX");
	int fd = path != NULL ? mkstemp(path) : -1;

	*state = path;
	return fd == -1 ? -1 : close(fd);
}

static int
path_free(void **state)
{
	(void)unlink(*state);
	free(*state);
	return 0;
}

static void
given(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
file_is(const char *path, const char *wanted)
{
	char got[256];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	assert_int_equal(fclose(f), 0);
	assert_string_equal(got, wanted);
}

static void
put(struct reject_file *a, const char *line)
{
	struct err e = { 0 };

	if (reject_file_append(a, line, strlen(line), &e) == -1)
		fail_msg("%s", e.msg);
}

static void
file_takes(const char *path, const char *before, const char *after)
{
	struct err e = { 0 };
	struct reject_file *a;

	given(path, before);
	assert_int_equal(reject_file_open(&a, path, NULL, &e), 0);
	put(a, "{1}\n");
	put(a, "{2}\n");
	reject_file_close(a);
	file_is(path, after);
}

static void
a_file_is_appended_to_after_a_torn_line(void **state)
{
	file_takes(*state, "", "{1}\n{2}\n");
	file_takes(*state, "{0}\n", "{0}\n{1}\n{2}\n");
	file_takes(*state, "{\"cut", "{\"cut\n{1}\n{2}\n");
	assert_int_equal(unlink(*state), 0);
	{
		struct err e = { 0 };
		struct reject_file *a;

		assert_int_equal(reject_file_open(&a, *state, NULL, &e), 0);
		put(a, "{1}\n");
		reject_file_close(a);
	}
	file_is(*state, "{1}\n");
}

static void
without_a_usable_3_no_file_is_opened(void **state)
{
	struct stdfd none = { false, false };
	struct err e = { 0 };
	struct reject_file *a;

	assert_int_equal(reject_file_open(&a, NULL, NULL, &e), 0);
	assert_null(a);
	assert_int_equal(reject_file_open(&a, NULL, &none, &e), 0);
	assert_null(a);
	reject_file_close(NULL);
	assert_int_equal(reject_file_open(&a, "/nowhere/at/all", NULL, &e), -1);
	assert_int_equal(e.code, ERR_CREATE);
	assert_non_null(strstr(e.msg, "/nowhere/at/all"));
}

/* Moves fd to 3.  3 is always in use, so that no other open() gets it. */
static void
move_to_three(int fd)
{
	if (fd < 0 || fd == 3 || dup2(fd, 3) != 3 || close(fd) == -1)
		abort();
}

static struct reject_file *
open_three(int fd)
{
	struct stdfd s = { true, false };
	struct err e = { 0 };
	struct reject_file *a;

	move_to_three(fd);
	assert_int_equal(reject_file_open(&a, NULL, &s, &e), 0);
	assert_non_null(a);
	return a;
}

/* Reads until the end of a line has arrived. */
static void
read_line(int fd)
{
	char text[4096];
	ssize_t n;

	(void)alarm(20);
	(void)usleep(100000);
	while ((n = read(fd, text, sizeof(text))) > 0)
		if (memchr(text, '}', (size_t)n) != NULL)
			_exit(0);
	_exit(1);
}

/* Some programs leave a terminal with O_NONBLOCK set. */
static void
a_full_terminal_is_waited_for(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), fd, status;
	char text[4096];
	struct reject_file *a;
	pid_t pid;

	assert_true(master != -1 && grantpt(master) == 0 &&
	    unlockpt(master) == 0);
	fd = open(ptsname(master), O_WRONLY | O_NOCTTY | O_NONBLOCK);
	memset(text, 'x', sizeof(text));
	while (write(fd, text, sizeof(text)) > 0)
		continue;
	a = open_three(fd);
	if ((pid = fork()) == 0)
		read_line(master);
	put(a, "{1}\n");
	reject_file_close(a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(master);
	(void)dup2(STDIN_FILENO, 3);
}

/* Two writers opened one file without O_APPEND, as in "a 3>f | b 3>f". */
static void
descriptor_3_is_set_to_append(void **state)
{
	int other;
	struct reject_file *a;

	given(*state, "");
	other = open(*state, O_WRONLY);
	assert_true(other >= 0);
	a = open_three(open(*state, O_WRONLY));
	put(a, "{1}\n");
	assert_int_equal(fcntl(other, F_SETFL, O_APPEND), 0);
	assert_int_equal(write(other, "x\n", 2), 2);
	put(a, "{2}\n");
	file_is(*state, "{1}\nx\n{2}\n");
	reject_file_close(a);
	assert_int_equal(fcntl(3, F_GETFD), 0);         /* stays open */
	move_to_three(open("/dev/null", O_RDONLY));
	assert_int_equal(close(other), 0);
}

static void
a_full_disk_and_a_closed_pipe_are_errors(void **state)
{
	struct err e = { 0 };
	struct reject_file *a;
	int p[2];

	a = open_three(open("/dev/full", O_WRONLY));
	assert_int_equal(reject_file_append(a, "{}\n", 3, &e), -1);
	assert_int_equal(err_exit_code(&e), 74);
	assert_non_null(strstr(e.msg, "descriptor 3"));
	assert_non_null(strstr(e.msg, "No space left"));
	reject_file_close(a);
	assert_int_equal(pipe(p), 0);
	a = open_three(p[1]);
	assert_int_equal(close(p[0]), 0);
	assert_int_equal(reject_file_append(a, "{}\n", 3, &e), -1);
	assert_int_equal(err_exit_code(&e), 74);
	reject_file_close(a);
}

enum { WRITERS = 2, LINES = 60, LONG = 3 * 65536 };

static void
write_lines(char c)
{
	struct stdfd s = { true, false };
	struct err e = { 0 };
	struct reject_file *a;
	char *line = malloc(LONG + 1);

	(void)alarm(20);
	if (line == NULL || reject_file_open(&a, NULL, &s, &e) == -1)
		_exit(1);
	memset(line, c, LONG);
	for (int i = 0; i < LINES; i++) {       /* long and short in turn */
		size_t n = i % 2 ? 10 : LONG;

		line[n] = '\n';
		if (reject_file_append(a, line, n + 1, &e) == -1)
			_exit(1);
		line[n] = c;
	}
	reject_file_close(a);
	free(line);
	_exit(0);
}

/* Each writer locks the pipe (fcntl), because without the lock the pieces of
 * two long lines would mix. */
static void
writers_to_one_pipe_never_mix_lines(void **state)
{
	int p[2], c, status, n = 0;
	FILE *in;

	assert_int_equal(pipe(p), 0);
	move_to_three(p[1]);
	for (int i = 0; i < WRITERS; i++)
		if (fork() == 0)
			write_lines((char)('a' + i));
	move_to_three(open("/dev/null", O_RDONLY));
	in = fdopen(p[0], "r");
	assert_non_null(in);
	while ((c = getc(in)) != EOF) {
		int first = c, len = 0;

		for (; c == first; len++)
			c = getc(in);
		assert_int_equal(c, '\n');
		assert_true(len == 10 || len == LONG);
		n++;
	}
	assert_int_equal(n, WRITERS * LINES);
	for (int i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	(void)fclose(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_appended_to_after_a_torn_line),
		cmocka_unit_test(without_a_usable_3_no_file_is_opened),
		cmocka_unit_test(a_full_terminal_is_waited_for),
		cmocka_unit_test(descriptor_3_is_set_to_append),
		cmocka_unit_test(a_full_disk_and_a_closed_pipe_are_errors),
		cmocka_unit_test(writers_to_one_pipe_never_mix_lines),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(60);
	(void)dup2(STDIN_FILENO, 3);
	return cmocka_run_group_tests(tests, path_new, path_free);
}
