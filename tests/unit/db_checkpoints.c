/* Tests of checkpoints: a move compares the version.  On both databases. */
#include "db_help.h"

#include "control/checkpoints.h"
#include "control/control.h"

#include <sys/wait.h>

/* Checks the stored value ("-": none) and version of a checkpoint. */
static void
check(struct env *v, const char *name, const char *value, int64_t version)
{
	char *have;
	int64_t n;

	OK(v, checkpoint_read(v->db, name, &have, &n, &v->e));
	assert_string_equal(have != NULL ? have : "-", value);
	assert_int_equal(n, version);
	free(have);
}

/* Moves a checkpoint in a transaction of its own. */
static enum checkpoint_result
commit_move(struct db *db, const struct checkpoint_move *m, struct err *e)
{
	enum checkpoint_result rc = CHECKPOINT_FAILED;

	if (db_begin(db, e) == -1)
		return rc;
	rc = checkpoint_move(db, m, e);
	if (rc == CHECKPOINT_MOVED && db_commit(db, e) == -1)
		rc = CHECKPOINT_FAILED;
	if (rc != CHECKPOINT_MOVED)
		db_rollback(db);
	return rc;
}

static enum checkpoint_result
move(struct env *v, int64_t expected, const char *value)
{
	struct checkpoint_move m = { .name = "posts", .expected = expected,
	    .moves = value != NULL, .value = value, .seq = 7, .run = "r1" };
	enum checkpoint_result rc;

	OK(v, rc = commit_move(v->db, &m, &v->e));
	if (rc == CHECKPOINT_LOST) {
		assert_int_equal(err_exit_code(&v->e), ERR_RETRY);
		assert_false(v->e.transient);
	}
	return rc;
}

static void
a_person_can_set_and_clear(void **state)
{
	struct env *v = *state;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	check(v, "posts", "-", 0);
	assert_int_equal(checkpoint_clear(v->db, "posts", &v->e), -1);
	assert_int_equal(err_exit_code(&v->e), ERR_LIMIT);
	OK(v, checkpoint_set(v->db, "posts", "2026-05-30", &v->e));
	check(v, "posts", "2026-05-30", 1);
	OK(v, checkpoint_set(v->db, "posts", "", &v->e));
	check(v, "posts", "", 2);
	OK(v, checkpoint_clear(v->db, "posts", &v->e));
	check(v, "posts", "-", 3);
	OK(v, checkpoint_clear(v->db, "posts", &v->e));
	check(v, "posts", "-", 4);
	check(v, "Posts", "-", 0);
	assert_int_equal(number(v, "SELECT count(*) FROM etl_checkpoints"), 1);
}

static void
odd_names_and_large_values(void **state)
{
	static const char *const good[] = { "@orders", "a b", "'; --",
	    "\xc3\xa9\xe2\x80\xae\xf0\x9f\x98\x80", "a\nb", "%s", "{\"a\"}" };
	static const char *const bad[] = { "", "\xff", "a\xc3" };
	struct env *v = *state;
	char name[CHECKPOINT_NAME + 2];
	char *big = malloc((1 << 20) + 1), *have;
	int64_t n;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	assert_non_null(big);
	memset(big, 'x', 1 << 20);
	big[1 << 20] = '\0';
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		OK(v, checkpoint_set(v->db, good[i], good[i], &v->e));
		check(v, good[i], good[i], 1);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(checkpoint_set(v->db, bad[i], "1", &v->e),
		    -1);
		assert_int_equal(err_exit_code(&v->e), ERR_USAGE);
		assert_int_equal(checkpoint_read(v->db, bad[i], &have, &n,
		    &v->e), -1);
	}
	memset(name, 'n', sizeof(name) - 1);
	name[CHECKPOINT_NAME + 1] = '\0';
	assert_int_equal(checkpoint_set(v->db, name, "1", &v->e), -1);
	name[CHECKPOINT_NAME] = '\0';
	OK(v, checkpoint_set(v->db, name, big, &v->e));
	check(v, name, big, 1);
	free(big);
}

static void
loaders_move_checkpoints(void **state)
{
	struct env *v = *state;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	assert_int_equal(move(v, 0, NULL), CHECKPOINT_MOVED);
	check(v, "posts", "-", 0);
	assert_int_equal(move(v, 1, NULL), CHECKPOINT_LOST);
	assert_int_equal(move(v, 1, "1"), CHECKPOINT_LOST);
	assert_int_equal(number(v, "SELECT count(*) FROM etl_checkpoints"), 0);
	assert_int_equal(move(v, 0, "10"), CHECKPOINT_MOVED);
	check(v, "posts", "10", 1);
	assert_int_equal(move(v, 0, "11"), CHECKPOINT_LOST);
	assert_non_null(strstr(v->e.msg, "posts"));
	assert_non_null(strstr(v->e.msg, "version is 1, but 0 was expected"));
	assert_int_equal(move(v, 0, NULL), CHECKPOINT_LOST);
	assert_int_equal(move(v, 1, NULL), CHECKPOINT_MOVED);
	assert_int_equal(move(v, 1, "12"), CHECKPOINT_MOVED);
	check(v, "posts", "12", 2);
	check_word(v, "SELECT run FROM etl_checkpoints", "r1");
	assert_int_equal(number(v, "SELECT seq FROM etl_checkpoints"), 7);
	assert_int_equal(move(v, 1, NULL), CHECKPOINT_LOST);
	assert_int_equal(move(v, 3, "13"), CHECKPOINT_LOST);
	check(v, "posts", "12", 2);
}

/* A person sets the checkpoint to another value and back to the value that the
 * run began with.  The run still loses, because the version has changed. */
static void
a_set_by_a_person_wins_the_race(void **state)
{
	struct env *v = *state;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	assert_int_equal(move(v, 0, "10"), CHECKPOINT_MOVED);
	OK(v, checkpoint_set(v->db, "posts", "5", &v->e));
	OK(v, checkpoint_set(v->db, "posts", "10", &v->e));
	check(v, "posts", "10", 3);
	assert_int_equal(number(v, "SELECT count(run) + count(seq) "
	    "FROM etl_checkpoints"), 0);
	assert_int_equal(move(v, 1, "11"), CHECKPOINT_LOST);
	OK(v, checkpoint_clear(v->db, "posts", &v->e));
	assert_int_equal(move(v, 0, "11"), CHECKPOINT_LOST);
	assert_int_equal(move(v, 4, "11"), CHECKPOINT_MOVED);
	check(v, "posts", "11", 5);
}

/* Waits until the other end of the pipe is closed. */
static void
wait_for_close(int ends[2])
{
	char byte;

	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	(void)close(ends[0]);
}

/* Moves the checkpoint and, before the commit, lets a child process move it,
 * too.  The child must wait for the commit.  Returns the result of the child.
 * The connection is closed before fork(), because SQLite requires it. */
static enum checkpoint_result
move_while_locked(struct env *v, const struct checkpoint_move *ours,
    const struct checkpoint_move *theirs)
{
	int go[2], ready[2], status;
	pid_t pid;

	db_close(v->db);
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	if ((pid = fork()) == 0) {
		struct err e;
		struct db *db;

		wait_for_close(go);
		if (control_open(&db, v->url, NULL, true, &e) == -1)
			_exit(9);
		(void)close(ready[1]);
		_exit((int)commit_move(db, theirs, &e) & 0xff);
	}
	OK(v, control_open(&v->db, v->url, NULL, true, &v->e));
	OK(v, db_begin(v->db, &v->e));
	assert_int_equal(checkpoint_move(v->db, ours, &v->e),
	    CHECKPOINT_MOVED);
	(void)close(go[0]);
	(void)close(go[1]);
	wait_for_close(ready);
	(void)usleep(100000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	OK(v, db_commit(v->db, &v->e));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (enum checkpoint_result)WEXITSTATUS(status);
}

static void
one_of_two_concurrent_moves_wins(void **state)
{
	struct env *v = *state;
	struct checkpoint_move a = { .name = "posts", .moves = true,
	    .value = "1", .seq = 1 }, b = a, look = { .name = "posts" };

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	b.value = "2";
	/* No row exists: none may appear between a read and its COMMIT. */
	assert_int_equal(move_while_locked(v, &look, &look), CHECKPOINT_MOVED);
	assert_int_equal(move_while_locked(v, &look, &a), CHECKPOINT_MOVED);
	check(v, "posts", "1", 1);
	script(v, "DELETE FROM etl_checkpoints");
	assert_int_equal(move_while_locked(v, &a, &b), CHECKPOINT_LOST);
	check(v, "posts", "1", 1);
	script(v, "DELETE FROM etl_checkpoints");
	assert_int_equal(move_while_locked(v, &a, &look), CHECKPOINT_LOST);
	a.expected = b.expected = look.expected = 1;
	assert_int_equal(move_while_locked(v, &look, &b), CHECKPOINT_MOVED);
	check(v, "posts", "2", 2);
	a.expected = b.expected = look.expected = 2;
	assert_int_equal(move_while_locked(v, &a, &look), CHECKPOINT_LOST);
	a.expected = b.expected = 3;
	assert_int_equal(move_while_locked(v, &a, &b), CHECKPOINT_LOST);
	check(v, "posts", "1", 4);
}

/* After a rollback another move can be the first one of the checkpoint. */
static void
a_rolled_back_move_does_not_count(void **state)
{
	struct env *v = *state;
	struct checkpoint_move m = { .name = "posts", .moves = true,
	    .value = "1", .seq = 1 };

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	OK(v, db_begin(v->db, &v->e));
	assert_int_equal(checkpoint_move(v->db, &m, &v->e), CHECKPOINT_MOVED);
	db_rollback(v->db);
	check(v, "posts", "-", 0);
	assert_int_equal(move(v, 0, "2"), CHECKPOINT_MOVED);
	check(v, "posts", "2", 1);
}

static void
lists_are_sorted_by_name(void **state)
{
	static const char *const want[] = { "@T", "B", "a", "\xc3\xa9" };
	struct env *v = *state;
	struct checkpoint c;
	struct checkpoints *l;
	size_t n = 0;
	int rc;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	for (size_t i = 4; i-- > 0;)
		OK(v, checkpoint_set(v->db, want[i], want[i], &v->e));
	OK(v, checkpoint_clear(v->db, "a", &v->e));
	OK(v, checkpoints_open(&l, v->db, &v->e));
	for (; (rc = checkpoints_next(l, &c, &v->e)) == 1; n++) {
		assert_true(n < 4);
		assert_string_equal(c.name, want[n]);
		if (n == 2)
			assert_null(c.value);
		else
			assert_string_equal(c.value, want[n]);
		assert_int_equal(c.version, n == 2 ? 2 : 1);
		assert_int_equal(strlen(c.updated_at) > 20, 1);
		assert_int_equal(c.updated_at[strlen(c.updated_at) - 1], 'Z');
	}
	OK(v, rc);
	checkpoints_close(l);
	assert_int_equal(n, 4);
}

/* SQLite stores text that PostgreSQL refuses: NUL and invalid UTF-8. */
static void
invalid_text_is_reported(void **state)
{
	static const char *const bad[] = { "x'00ff'", "CAST(x'ff' AS TEXT)",
	    "CAST(x'410042' AS TEXT)" };
	struct env *v = *state;
	char sql[256], *have;
	int64_t n;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO "
		    "etl_checkpoints (name, value, version, updated_at) "
		    "VALUES ('posts', %s, 1, 'now')", bad[i]);
		script(v, sql);
		assert_int_equal(checkpoint_read(v->db, "posts", &have, &n,
		    &v->e), -1);
		assert_int_equal(err_exit_code(&v->e), ERR_CONFIG);
		assert_null(have);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(a_person_can_set_and_clear),
		ON_BOTH(odd_names_and_large_values),
		ON_BOTH(loaders_move_checkpoints),
		ON_BOTH(a_set_by_a_person_wins_the_race),
		ON_BOTH(one_of_two_concurrent_moves_wins),
		ON_BOTH(a_rolled_back_move_does_not_count),
		ON_BOTH(lists_are_sorted_by_name),
		ON_SQLITE(invalid_text_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
