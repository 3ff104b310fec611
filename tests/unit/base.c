/* Tests of lib/base: options, buffers, retries, hashes, messages. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/opt.h"
#include "base/retry.h"
#include "base/stdfd.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct opts {
	bool flag;
	const char *text;
	struct opt_list list;
	uint64_t number, size, duration, count;
	bool is_given[8];
};

static const struct opt table[] = {
	{ "flag", OPT_FLAG, offsetof(struct opts, flag), NULL, "a flag",
	    NULL, 'g' },
	{ "text", OPT_STRING, offsetof(struct opts, text), "T", "a text",
	    NULL, 't' },
	{ "list", OPT_LIST, offsetof(struct opts, list), "L", "a list",
	    NULL, 0 },
	{ "number", OPT_NUMBER, offsetof(struct opts, number), "N", "number",
	    "BASE_TEST_NUMBER", 0 },
	{ "size", OPT_SIZE, offsetof(struct opts, size), "S", "a size",
	    NULL, 0 },
	{ "wait", OPT_DURATION, offsetof(struct opts, duration), "D", "time",
	    NULL, 0 },
	{ "count", OPT_COUNT, offsetof(struct opts, count), "C", "a count",
	    NULL, 0 },
};
static const struct opt_spec spec = {
	.program = "base", .usage = "usage: base", .opts = table,
	.n = sizeof(table) / sizeof(table[0]),
	.is_given = offsetof(struct opts, is_given)
};

static enum opt_result
parse(struct opts *o, struct err *e, char *argv[])
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	*o = (struct opts){ 0 };
	return opt_parse(&spec, o, argc, argv, e);
}

static void
options_are_parsed(void **state)
{
	char words[][12] = { "base", "-g", "--list", "a", "--number=7",
	    "--list=b", "--size", "2KiB", "--wait", "5m", "-t", "last" };
	char *argv[13] = { NULL };
	struct opts o;
	struct err e = { 0 };

	for (int i = 0; i < 12; i++)
		argv[i] = words[i];
	assert_int_equal(parse(&o, &e, argv), OPT_RUN);
	assert_true(o.flag);
	assert_int_equal(o.list.n, 2);
	assert_string_equal(o.list.v[1], "b");
	assert_int_equal(o.number, 7);
	assert_int_equal(o.size, 2048);
	assert_int_equal(o.duration, 300000);
	assert_string_equal(o.text, "last");
	opt_release(&spec, &o);
	assert_null(o.list.v);
}

static void
options_on_the_command_line_are_given(void **state)
{
	char name[] = "base", size[] = "--size", none[] = "0";
	char *argv[] = { name, size, none, NULL };
	struct opts o;
	struct err e = { 0 };

	(void)setenv("BASE_TEST_NUMBER", "7", 1);
	assert_int_equal(parse(&o, &e, argv), OPT_RUN);
	(void)unsetenv("BASE_TEST_NUMBER");
	assert_int_equal(o.number, 7);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(o.is_given[i],
		    strcmp(table[i].name, "size") == 0);
}

static void
bad_option_values_exit_with_64(void **state)
{
	char words[][2][24] = {
		{ "--nope", "" }, { "-x", "" }, { "--number=", "" },
		{ "--number", "x" }, { "--number", "-1" },
		{ "--number", "1k" }, { "--wait", "5" }, { "--wait", "5y" },
		{ "--size", "1MB" }, { "--count", "0" },
		{ "--number", "99999999999999999999" },
		{ "--number", "9223372036854775808" },
		/* a wait past the last time that the clock can show */
		{ "--wait", "106751991167d" },
	};
	char name[] = "base", alone[] = "--number";
	char *missing[] = { name, alone, NULL };
	struct opts o;
	struct err e;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *argv[] = { name, words[i][0],
		    words[i][1][0] != '\0' ? words[i][1] : NULL, NULL };

		assert_int_equal(parse(&o, &e, argv), OPT_FAILED);
		assert_int_equal(e.code, ERR_USAGE);
	}
	assert_int_equal(parse(&o, &e, missing), OPT_FAILED);
	assert_int_equal(e.code, ERR_USAGE);
}

static void
the_message_names_an_unknown_option(void **state)
{
	static const struct { char word[16]; const char *message; } cases[] = {
		{ "--nope", "unknown option --nope" },
		{ "-x", "unknown option -x" },
		{ "--flag=y", "--flag=y: option --flag takes no value" },
		{ "--help=y", "--help=y: option --help takes no value" },
		{ "--lits", "unknown option --lits; did you mean --list?" },
		{ "--tekst=a", "unknown option --tekst; did you mean --text?" },
		{ "--versoin",
		    "unknown option --versoin; did you mean --version?" },
		{ "--", NULL },
	};
	struct opts o;
	struct err e;

	for (size_t i = 0; cases[i].message != NULL; i++) {
		char name[] = "base", word[16], *argv[] = { name, word, NULL };

		memcpy(word, cases[i].word, sizeof(word));
		assert_int_equal(parse(&o, &e, argv), OPT_FAILED);
		assert_string_equal(e.msg, cases[i].message);
	}
}

static void
the_nearest_word_is_suggested(void **state)
{
	static const char *const words[] = { "append", "upsert", "ignore",
	    "replace", "mirror", "id", "ndjson" };
	static const struct { const char *typed, *wanted; } cases[] = {
		{ "apend", "append" }, { "upsret", "upsert" },
		{ "Upsert", "upsert" }, { "ignroe", "ignore" },
		{ "json", "ndjson" }, { "di", "id" },
		{ "x", "" }, { "", "" }, { "merge", "" }, { "delete", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct suggestion s = { .typed = cases[i].typed };

		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			suggest_try(&s, words[k]);
		assert_string_equal(s.word, cases[i].wanted);
	}
}

static void
options_override_the_environment(void **state)
{
	char name[] = "base", option[] = "--number=3";
	char *none[] = { name, NULL }, *given[] = { name, option, NULL };
	struct opts o;
	struct err e;

	assert_int_equal(setenv("BASE_TEST_NUMBER", "9", 1), 0);
	assert_int_equal(parse(&o, &e, none), OPT_RUN);
	assert_int_equal(o.number, 9);
	assert_int_equal(parse(&o, &e, given), OPT_RUN);
	assert_int_equal(o.number, 3);
	assert_int_equal(setenv("BASE_TEST_NUMBER", "many", 1), 0);
	assert_int_equal(parse(&o, &e, none), OPT_FAILED);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(unsetenv("BASE_TEST_NUMBER"), 0);
}

static void
a_buffer_does_not_grow_past_its_limit(void **state)
{
	struct buf b;
	struct err e;

	buf_init(&b, 8);
	buf_str(&b, "12345678");
	assert_string_equal(buf_text(&b), "12345678");
	assert_int_equal(buf_check(&b, &e), 0);
	buf_char(&b, '9');
	buf_str(&b, "");
	assert_int_equal(buf_check(&b, &e), -1);
	assert_int_equal(e.code, ERR_DATA);
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.data, "12345678", 8);
	assert_int_equal(buf_check(&b, &e), 0);
	buf_release(&b);
}

static void
backoff_stays_between_its_bounds(void **state)
{
	struct retry r = { 0 };
	struct err e;

	assert_int_equal(retry_parse(&r, "1s..60s", &e), 0);
	for (uint64_t n = 1; n < 80; n++) {
		uint64_t most = n > 6 ? 60000 : 1000u << (n - 1);

		for (int i = 0; i < 50; i++)
			assert_in_range(retry_delay(&r, n), 0, most);
	}
	assert_int_equal(retry_parse(&r, "2s..1s", &e), -1);
	assert_int_equal(retry_parse(&r, "1s", &e), -1);
	assert_int_equal(retry_parse(&r, "1s..", &e), -1);
}

/* A test vector of FIPS 180-4; the version and the variant of a UUID. */
static void
sha256_and_uuids_have_the_right_form(void **state)
{
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad";
	char hex[HASH_HEX], id[UUID_TEXT], other[UUID_TEXT];
	struct hash *h = hash_new();

	hash_bytes("abc", 3, hex);
	assert_string_equal(hex, abc);
	assert_non_null(h);
	hash_add(h, "a", 1);
	hash_add(h, "bc", 2);
	hash_finish(h, hex);
	assert_string_equal(hex, abc);
	uuid_new(id);
	uuid_new(other);
	assert_string_not_equal(id, other);
	assert_int_equal(strlen(id), 36);
	assert_int_equal(id[14], '4');
	assert_non_null(strchr("89ab", id[19]));
	assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' &&
	    id[23] == '-');
}

static void
a_long_prefix_does_not_cut_the_cause(void **state)
{
	char url[2000];
	struct err e;

	memset(url, 'u', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	(void)err_set(&e, ERR_INPUT, false, "404 Not Found");
	err_prefix(&e, "%s", "page 7");
	assert_string_equal(e.msg, "page 7: 404 Not Found");
	err_prefix(&e, "%s", url);
	assert_true(strlen(e.msg) > sizeof(e.msg) / 2);
	assert_non_null(strstr(e.msg, "uuu...: page 7: 404 Not Found"));
}

static void
a_denied_file_has_another_code_than_a_missing(void **state)
{
	struct err e;

	errno = ENOENT;
	assert_int_equal(err_errno(&e, ERR_INPUT, "f"), -1);
	assert_int_equal(e.code, ERR_INPUT);
	errno = EACCES;
	(void)err_errno(&e, ERR_INPUT, "f");
	assert_int_equal(e.code, ERR_DENIED);
	errno = EACCES;
	(void)err_errno(&e, ERR_CREATE, "f");
	assert_int_equal(e.code, ERR_CREATE);
}

static void
control_characters_are_escaped_on_stderr(void **state)
{
	FILE *f = tmpfile();
	int fd = dup(STDERR_FILENO);
	char text[200];
	struct err e;
	size_t n;

	assert_true(f != NULL && fd != -1);
	(void)err_set(&e, ERR_DATA, false, "a\x1b[31m\xff\xc2\x9b\nb");
	assert_int_equal(dup2(fileno(f), STDERR_FILENO), STDERR_FILENO);
	n = (size_t)err_report("etl-x", &e);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(n, 65);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_string_equal(text, "etl-x: a\\u001b[31m\\xff\\u009b\n  b\n");
	(void)fclose(f);
	(void)close(fd);
}

/* Opens descriptor as on 3, or closes 3 if as is -1.  Returns 1 if 3 is then
 * not used for rejects and not inherited by child processes. */
static int
reserves_descriptor_3(int as)
{
	struct stdfd fds;
	struct err e;

	if (as == -1)
		(void)close(3);
	else if (dup2(as, 3) == -1)
		return 0;
	return stdfd_claim(&fds, &e) == 0 &&
	       !fds.rejects && (fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
}

static void
children_do_not_inherit_a_reserved_3(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(!reserves_descriptor_3(-1) + 2 * !reserves_descriptor_3(
		    open("/dev/null", O_RDONLY)));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Returns how many turns the pause takes that begins now. */
static int
count_turns(struct doubling_pause *p)
{
	int n = 0;

	pause_begin(p);
	while (!pause_tick(p))
		n++;
	return n;
}

static void
each_pause_is_twice_as_long_up_to_the_longest(void **state)
{
	static const int turns[] = { 3, 6, 12, 20, 20 };
	struct doubling_pause p = { .least = 3, .most = 20 };

	assert_true(pause_tick(&p));
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		assert_int_equal(count_turns(&p), turns[i]);
		assert_true(pause_tick(&p));
	}
	pause_reset(&p);
	assert_int_equal(count_turns(&p), turns[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_parsed),
		cmocka_unit_test(options_on_the_command_line_are_given),
		cmocka_unit_test(bad_option_values_exit_with_64),
		cmocka_unit_test(the_message_names_an_unknown_option),
		cmocka_unit_test(the_nearest_word_is_suggested),
		cmocka_unit_test(options_override_the_environment),
		cmocka_unit_test(a_buffer_does_not_grow_past_its_limit),
		cmocka_unit_test(backoff_stays_between_its_bounds),
		cmocka_unit_test(each_pause_is_twice_as_long_up_to_the_longest),
		cmocka_unit_test(sha256_and_uuids_have_the_right_form),
		cmocka_unit_test(children_do_not_inherit_a_reserved_3),
		cmocka_unit_test(a_long_prefix_does_not_cut_the_cause),
		cmocka_unit_test(a_denied_file_has_another_code_than_a_missing),
		cmocka_unit_test(control_characters_are_escaped_on_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
