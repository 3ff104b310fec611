/* Tests of the state file, in which etl-checkpoint keeps checkpoints. */
#include "db_help.h"

#include "control/statefile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { SAVERS = 6, SAVES = 20 };

struct place {
	char dir[64], path[96];
	struct err e;
};

static int
place_setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/etl-state.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->path, sizeof(p->path), "%s/state.json", p->dir);
	*state = p;
	return 0;
}

/* Checks that no other file is left in the folder. */
static int
place_teardown(void **state)
{
	struct place *p = *state;

	(void)unlink(p->path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void
put(struct place *p, const char *text)
{
	FILE *f = fopen(p->path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
is_file(struct place *p, const char *want)
{
	char have[4096];
	FILE *f = fopen(p->path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(have, 1, sizeof(have) - 1, f);
	have[n] = '\0';
	(void)fclose(f);
	assert_string_equal(have, want);
}

static void
check(struct place *p, const char *name, const char *value, int64_t version)
{
	char *have;
	int64_t n;

	if (statefile_read(p->path, name, &have, &n, &p->e) == -1) {
		print_error("%s\n", p->e.msg);
		fail();
	}
	assert_string_equal(have != NULL ? have : "-", value);
	assert_int_equal(n, version);
	free(have);
}

static enum checkpoint_result
move(struct place *p, const char *name, const char *value, int64_t expected)
{
	const struct files_change no_files = { 0 };

	return statefile_move(p->path, name, value, NULL, &no_files, expected,
	    &p->e);
}

static void
moves_compare_the_version(void **state)
{
	struct place *p = *state;
	const char *path;

	check(p, "posts", "-", 0);
	assert_int_equal(statefile_parse(&path, "file:s.json", &p->e), 0);
	assert_string_equal(path, "s.json");
	assert_int_equal(statefile_parse(&path, "s.json", &p->e), -1);
	assert_int_equal(statefile_parse(&path, "file:", &p->e), -1);
	assert_int_equal(move(p, "posts", "1", 1), CHECKPOINT_LOST);
	assert_int_equal(access(p->path, F_OK), -1);
	assert_int_equal(move(p, "posts", "1", 0), CHECKPOINT_MOVED);
	assert_int_equal(move(p, "posts", "2", 0), CHECKPOINT_LOST);
	assert_int_equal(err_exit_code(&p->e), ERR_RETRY);
	assert_non_null(strstr(p->e.msg, "is 1, but 0 was"));
	assert_int_equal(move(p, "posts", "2", 1), CHECKPOINT_MOVED);
	assert_int_equal(statefile_set(p->path, "b\"\n", "\xc3\xa9", &p->e),
	    0);
	check(p, "posts", "2", 2);
	assert_int_equal(statefile_set(p->path, "posts", NULL, &p->e), 0);
	assert_int_equal(statefile_set(p->path, "none", NULL, &p->e), -1);
	assert_int_equal(err_exit_code(&p->e), ERR_LIMIT);
	check(p, "posts", "-", 3);
	is_file(p, "{\n  \"posts\": {\"value\":null,\"version\":3},\n"
	    "  \"b\\\"\\n\": {\"value\":\"\xc3\xa9\",\"version\":1}\n}\n");
}

static void
unknown_members_are_kept(void **state)
{
	struct place *p = *state;
	struct stat st;

	put(p, "\t{ \"a\" : {\"note\":[ 1,{\"x\":2e1}], \"version\" : 7,\n"
	    "\"value\":\"\\u0031\", \"by\":\"me\" } , \"\\u0062\":\n"
	    "{\"version\":1,\"value\":null,\"more\":0.10}}");
	assert_int_equal(chmod(p->path, 0640), 0);
	check(p, "a", "1", 7);
	check(p, "b", "-", 1);
	assert_int_equal(move(p, "a", "2", 7), CHECKPOINT_MOVED);
	is_file(p, "{\n  \"a\": {\"value\":\"2\",\"version\":8,\"note\":"
	    "[1,{\"x\":2e1}],\"by\":\"me\"},\n  \"\\u0062\": "
	    "{\"version\":1,\"value\":null,\"more\":0.10}\n}\n");
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void
broken_files_are_not_changed(void **state)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "", "is empty" },
		{ "{", "line 1" },
		{ "[]", "line 1: the file must hold a JSON object" },
		{ "{}x", "line 1" },
		{ "{\n\n\"a\":3}", "line 3: a checkpoint is an object" },
		{ "{\"a\":{}}", "no \"value\"" },
		{ "{\"a\":{\"value\":\"1\"}}", "no \"version\"" },
		{ "{\"a\":{\n\"value\":17,\"version\":1}}", "line 2: "
		    "\"value\" must be null or a text" },
		{ "{\"a\":{\"value\":\"x\\u0000\",\"version\":1}}", "value" },
		{ "{\"a\":{\"value\":\"\\ud800\",\"version\":1}}", "value" },
		{ "{\"a\":{\"value\":\"1\",\"version\":0}}", "version" },
		{ "{\"a\":{\"value\":\"1\",\"version\":-1}}", "version" },
		{ "{\"a\":{\"value\":\"1\",\"version\":1.5}}", "version" },
		{ "{\"a\":{\"value\":\"1\",\"version\":1e300}}", "version" },
		{ "{\"a\":{\"value\":\"1\",\"version\":\"1\"}}", "version" },
		{ "{\"a\":{\"value\":\"1\",\"version\":1},\n\"a\":{}}",
		    "line 2" },
		{ "{\"\":{\"value\":\"1\",\"version\":1}}", "a name" },
		{ "{\"b\\u0000\":{\"value\":\"1\",\"version\":1}}", "a name" },
		{ "{\"b\":{\"value\":\"\xff\",\"version\":1}}", "line 1" },
	};
	struct place *p = *state;
	char *value;
	int64_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(p, bad[i].text);
		assert_int_equal(statefile_read(p->path, "z", &value, &n,
		    &p->e), -1);
		assert_int_equal(err_exit_code(&p->e), ERR_CONFIG);
		if (strstr(p->e.msg, bad[i].says) == NULL ||
		    strstr(p->e.msg, p->path) == NULL)
			fail_msg("%zu: %s", i, p->e.msg);
		assert_int_equal(statefile_set(p->path, "z", "1", &p->e), -1);
		assert_int_equal(statefile_check(p->path, &p->e), -1);
		is_file(p, bad[i].text);
	}
}

static void
symbolic_links_are_followed(void **state)
{
	struct place *p = *state;
	char link[128], real[128];
	struct stat st;

	(void)snprintf(real, sizeof(real), "%s/real", p->dir);
	(void)snprintf(link, sizeof(link), "%s/link", p->dir);
	assert_int_equal(symlink("real", link), 0);
	assert_int_equal(statefile_set(link, "a", "1", &p->e), -1);
	assert_int_equal(err_exit_code(&p->e), ERR_CONFIG);
	assert_int_equal(statefile_set(real, "a", "1", &p->e), 0);
	assert_int_equal(statefile_set(link, "a", "2", &p->e), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(rename(real, p->path), 0);
	check(p, "a", "2", 2);
	assert_int_equal(unlink(link), 0);
}

/* One of several processes: each moves a checkpoint of its own, and all of them
 * try to move the checkpoint "shared".  Exits with how often it moved that. */
static void
save_own_and_shared_name(struct place *p, int k, int go)
{
	char name[16], value[16], byte;
	int won = 0;

	(void)snprintf(name, sizeof(name), "n%d", k);
	if (read(go, &byte, 1) != 0)
		_exit(99);
	for (int i = 0; i < SAVES; i++) {
		(void)snprintf(value, sizeof(value), "%d", i);
		if (move(p, name, value, i) != CHECKPOINT_MOVED)
			_exit(98);
		won += move(p, "shared", value, i) == CHECKPOINT_MOVED;
	}
	_exit(won);
}

static void
concurrent_savers_lose_no_value(void **state)
{
	struct place *p = *state;
	int go[2], status, won = 0;
	char name[16], value[16];
	pid_t pid[SAVERS];

	assert_int_equal(pipe(go), 0);
	for (int k = 0; k < SAVERS; k++)
		if ((pid[k] = fork()) == 0) {
			(void)close(go[1]);
			save_own_and_shared_name(p, k, go[0]);
		}
	(void)close(go[0]);
	(void)close(go[1]);
	for (int k = 0; k < SAVERS; k++) {
		assert_int_equal(waitpid(pid[k], &status, 0), pid[k]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 98);
		won += WEXITSTATUS(status);
	}
	(void)snprintf(value, sizeof(value), "%d", SAVES - 1);
	for (int k = 0; k < SAVERS; k++) {
		(void)snprintf(name, sizeof(name), "n%d", k);
		check(p, name, value, SAVES);
	}
	/* The version of "shared" is the number of moves that succeeded. */
	char *have;
	int64_t n;

	assert_int_equal(statefile_read(p->path, "shared", &have, &n,
	    &p->e), 0);
	free(have);
	assert_int_equal(n, won);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(moves_compare_the_version,
		    place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(unknown_members_are_kept,
		    place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(broken_files_are_not_changed,
		    place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(symbolic_links_are_followed,
		    place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(concurrent_savers_lose_no_value,
		    place_setup, place_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
