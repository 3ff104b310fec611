/* Tests of lib/stream: lines are read whole however the input is split. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/stop.h"
#include "stream/lines.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct feed {
	int in, out;
	struct lines *l;
	struct buf seen;
};

static void
feed_open(struct feed *f, size_t max)
{
	struct err e = { 0 };
	int p[2];

	assert_int_equal(pipe(p), 0);
	f->in = p[1];
	f->out = p[0];
	assert_int_equal(lines_open(&f->l, p[0], max, &e), 0);
	buf_init(&f->seen, 1 << 20);
}

static void
feed_close(struct feed *f)
{
	lines_close(f->l);
	(void)close(f->out);
	buf_release(&f->seen);
}

static void
note(struct feed *f, const struct line *l)
{
	buf_printf(&f->seen, "%llu@%llu+%llu%s[",
	    (unsigned long long)l->number, (unsigned long long)l->offset,
	    (unsigned long long)l->bytes, l->too_long ? "!" : "");
	buf_add(&f->seen, l->data, l->len < 40 ? l->len : 40);
	buf_char(&f->seen, ']');
}

/* Takes all lines that are ready; returns true at the end of the input. */
static bool
drain(struct feed *f)
{
	struct err e = { 0 };
	struct line l;
	enum lines_result r;

	while ((r = lines_next(f->l, &l, 0, &e)) == LINES_ONE) {
		note(f, &l);
		if (l.number % 2 == 0)
			lines_shrink(f->l);
	}
	assert_true(r == LINES_WAIT || r == LINES_END);
	return r == LINES_END;
}

static void
feed_put(struct feed *f, const char *p, size_t n)
{
	assert_int_equal(write(f->in, p, n), n);
	assert_false(drain(f));
}

static const char text[] =
    "{\"a\":1}\n\n \t\r\n{}\r\nlonger than twelve\n0123456789ab\n\nlast";
static const char expected[] =
    "1@0+7[{\"a\":1}]4@13+3[{}\r]5@17+18![longer than twelve]"
    "6@36+12[0123456789ab]8@50+4[last]";

static void
every_chunking_gives_the_same_lines(void **state)
{
	size_t n = sizeof(text) - 1;

	for (size_t step = 1; step <= n; step++) {
		struct feed f;

		feed_open(&f, 12);
		for (size_t at = 0; at < n; at += step)
			feed_put(&f, text + at,
			    n - at < step ? n - at : step);
		(void)close(f.in);
		assert_true(drain(&f));
		assert_string_equal(buf_text(&f.seen), expected);
		assert_true(drain(&f));
		feed_close(&f);
	}
}

static void
every_split_in_two_gives_the_same_lines(void **state)
{
	size_t n = sizeof(text) - 1;

	for (size_t cut = 1; cut < n; cut++) {
		struct feed f;

		feed_open(&f, 12);
		feed_put(&f, text, cut);
		feed_put(&f, text + cut, n - cut);
		(void)close(f.in);
		assert_true(drain(&f));
		assert_string_equal(buf_text(&f.seen), expected);
		feed_close(&f);
	}
}

static void
empty_input_and_blank_lines_are_skipped(void **state)
{
	static const char *const none[] = { "", "\n", "\n\n \t \r\n", "  " };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct feed f;

		feed_open(&f, 100);
		if (none[i][0] != '\0')
			feed_put(&f, none[i], strlen(none[i]));
		(void)close(f.in);
		assert_true(drain(&f));
		assert_int_equal(f.seen.len, 0);
		feed_close(&f);
	}
}

/* Feeds a line of len bytes in steps; checks its too_long and its hash. */
static void
try_long(size_t len, size_t max, size_t step)
{
	char *line = malloc(len + 3), sha[HASH_HEX];
	struct err e = { 0 };
	struct feed f;
	struct line l;

	assert_non_null(line);
	for (size_t i = 0; i < len; i++)
		line[i] = (char)('a' + (i * 7 + i / 251) % 26);
	memcpy(line + len, "\nz", 3);
	hash_bytes(line, len, sha);
	feed_open(&f, max);
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;

		assert_int_equal(write(f.in, line + at, n), n);
		assert_int_equal(lines_next(f.l, &l, 0, &e), LINES_WAIT);
	}
	assert_int_equal(write(f.in, line + len, 2), 2);
	(void)close(f.in);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_int_equal(l.bytes, len);
	assert_int_equal(l.too_long, len > max);
	if (l.too_long) {
		assert_int_equal(l.len, len < LINES_KEPT ? len : LINES_KEPT);
		assert_string_equal(l.sha256, sha);
	} else {
		assert_int_equal(l.len, len);
	}
	assert_memory_equal(l.data, line, l.len);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_int_equal(l.number, 2);
	assert_int_equal(l.offset, len + 1);
	assert_int_equal(l.len, 1);
	feed_close(&f);
	free(line);
}

static void
long_lines_are_cut_at_the_limit(void **state)
{
	static const size_t steps[] = { 4096, 60001, 65536 };
	static const size_t around[] = { 1, 10, LINES_KEPT, 262144, 1 << 20 };

	for (size_t s = 0; s < 3; s++)
		for (size_t i = 0; i < 5; i++) {
			try_long(around[i], around[i], steps[s]);
			try_long(around[i] + 1, around[i], steps[s]);
			try_long(2 * around[i] + 65537, around[i], steps[s]);
		}
	try_long(LINES_MAX, LINES_MAX, 65536);
	try_long(LINES_MAX + 1, LINES_MAX, 65536);
}

static void
a_blank_line_too_long_is_reported(void **state)
{
	struct feed f;

	feed_open(&f, 3);
	feed_put(&f, "   \n    \n", 9);
	assert_string_equal(buf_text(&f.seen), "2@4+4![    ]");
	(void)close(f.in);
	feed_close(&f);
}

static void
write_much(int fd)
{
	char block[65536];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 3200; i++)
		if (write(fd, block, sizeof(block)) == -1)
			_exit(1);
	_exit(0);
}

/* 200 MiB without a line feed. */
static void
memory_stays_bounded(void **state)
{
	struct err e = { 0 };
	struct rusage before, after;
	struct feed f;
	struct line l;
	pid_t pid;

	feed_open(&f, LINES_MAX);
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	if ((pid = fork()) == 0)
		write_much(f.in);
	(void)close(f.in);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_int_equal(l.bytes, 3200ull * 65536);
	assert_true(l.too_long);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_END);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10);
	feed_close(&f);
}

static void
a_ready_line_needs_no_read(void **state)
{
	struct err e = { 0 };
	struct feed f;
	struct line l;

	feed_open(&f, 100);
	assert_false(lines_is_ready(f.l));
	assert_int_equal(write(f.in, "a\nb\nc", 5), 5);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_true(lines_is_ready(f.l));
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_false(lines_is_ready(f.l));
	assert_int_equal(lines_next(f.l, &l, 20, &e), LINES_WAIT);
	assert_int_equal(write(f.in, "\n\n \r\n", 5), 5);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_memory_equal(l.data, "c", 1);
	assert_false(lines_is_ready(f.l));
	assert_int_equal(write(f.in, "d\n", 2), 2);
	(void)close(f.in);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_memory_equal(l.data, "d", 1);
	assert_int_equal(l.number, 6);
	assert_int_equal(l.offset, 10);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_END);
	feed_close(&f);
}

static void
write_slowly(int fd)
{
	(void)alarm(20);
	for (int i = 0; i < 40; i++) {
		(void)usleep(20000);
		if (write(fd, i < 39 ? "x" : "\n", 1) == -1)
			_exit(1);
	}
	_exit(0);
}

static void
a_partial_line_does_not_block(void **state)
{
	struct err e = { 0 };
	struct feed f;
	struct line l;
	int64_t start = clock_ms();
	pid_t pid;

	feed_open(&f, 100);
	if ((pid = fork()) == 0)
		write_slowly(f.in);
	(void)close(f.in);
	assert_int_equal(lines_next(f.l, &l, 100, &e), LINES_WAIT);
	assert_true(clock_ms() - start < 600);
	assert_int_equal(lines_next(f.l, &l, -1, &e), LINES_ONE);
	assert_int_equal(l.len, 39);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	feed_close(&f);
}

static void
a_bad_descriptor_is_an_error(void **state)
{
	struct err e = { 0 };
	struct lines *l;
	struct line one;

	assert_int_equal(lines_open(&l, 999, 100, &e), 0);
	assert_int_equal(lines_next(l, &one, -1, &e), LINES_FAILED);
	assert_int_equal(e.code, ERR_IO);
	lines_close(l);
	lines_close(NULL);
}

/* This test must be the last one: the signal stays recorded. */
static void
a_stop_signal_ends_the_wait(void **state)
{
	struct err e = { 0 };
	struct feed f;
	struct line l;
	pid_t pid;

	stop_init();
	feed_open(&f, 100);
	if ((pid = fork()) == 0) {
		(void)usleep(100000);
		(void)kill(getppid(), SIGTERM);
		_exit(0);
	}
	assert_int_equal(lines_next(f.l, &l, 10000, &e), LINES_STOP);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(f.in);
	feed_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chunking_gives_the_same_lines),
		cmocka_unit_test(every_split_in_two_gives_the_same_lines),
		cmocka_unit_test(empty_input_and_blank_lines_are_skipped),
		cmocka_unit_test(long_lines_are_cut_at_the_limit),
		cmocka_unit_test(a_blank_line_too_long_is_reported),
		cmocka_unit_test(memory_stays_bounded),
		cmocka_unit_test(a_ready_line_needs_no_read),
		cmocka_unit_test(a_partial_line_does_not_block),
		cmocka_unit_test(a_bad_descriptor_is_an_error),
		cmocka_unit_test(a_stop_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
