/* Tests of replays: resolving a letter compares its version, and two loaders
 * whose letters cross never deadlock. */
#include "db_letter_help.h"

#include <sys/wait.h>

enum { CROSS = 64, ROUNDS = 12 };

/* Where the letters of these tests were rejected. */
static const struct letter_group group = { .pipeline = "p",
	.stage = "transform", .target = "t" };

static void
put_times(struct env *v, const char *id, int first, int times)
{
	char occurrence[32];
	struct buf b;

	buf_init(&b, 4096);
	for (int i = first; i < first + times; i++) {
		(void)snprintf(occurrence, sizeof(occurrence), "r/%s/%d", id,
		    i);
		reject(&b, id, occurrence, "x", 1);
		assert_int_equal(put(v, &b), NEW);
	}
	buf_release(&b);
}

/* Resolves a letter in its own transaction; returns if the race was lost. */
static bool
resolve(struct env *v, const char *id, int64_t seen, int64_t upto)
{
	struct letter_replay one = { .id = id, .seen = seen, .upto = upto };
	const struct letter_replays all = { .v = &one, .n = 1, .of = group,
		.run = "run-7" };

	OK(v, db_begin(v->db, &v->e));
	OK(v, letters_finish(v->db, &all, 0, NULL, &v->e));
	OK(v, db_commit(v->db, &v->e));
	return one.lost;
}

static void
check_letter(struct env *v, const char *id, const char *want)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql), "SELECT status || ' ' || attempts "
	    "|| ' ' || resolved_upto || ' ' || coalesce(resolved_by_run, '-')"
	    " || CASE WHEN resolved_at IS NULL THEN ' -' ELSE ' at' END "
	    "FROM dead_letters WHERE reject_id = '%s'", id);
	check_word(v, sql, want);
}

static void
resolving_compares_the_version(void **state)
{
	struct env *v = *state;

	setup_tables(state);
	put_times(v, "aa", 1, 2);
	check_letter(v, "aa", "open 2 0 - -");
	assert_true(resolve(v, "aa", 2, 1));
	assert_true(resolve(v, "aa", 3, 0));
	assert_true(resolve(v, "ab", 1, 0));
	check_letter(v, "aa", "open 2 0 - -");
	assert_false(resolve(v, "aa", 2, 0));
	check_letter(v, "aa", "resolved 2 2 run-7 at");
	assert_true(resolve(v, "aa", 2, 0));

	/* An occurrence arrived after the replay read the letter. */
	put_times(v, "aa", 3, 2);
	check_letter(v, "aa", "open 4 2 - -");
	assert_false(resolve(v, "aa", 3, 2));
	check_letter(v, "aa", "open 4 3 - -");
	assert_true(resolve(v, "aa", 2, 3));
	assert_false(resolve(v, "aa", 4, 3));
	check_letter(v, "aa", "resolved 4 4 run-7 at");

	/* A person discarded the letter after the replay read it. */
	put_times(v, "aa", 5, 1);
	OK(v, letter_close(v->db, "aa", "discarded", "old", &v->e));
	assert_true(resolve(v, "aa", 5, 4));
	check_letter(v, "aa", "discarded 5 5 - at");
}

/* A mark may resolve only letters of the group that its replay names. */
static void
letters_of_another_group_are_not_resolved(void **state)
{
	const struct letter_group others[] = {
		{ NULL, NULL, "transform", "t" },
		{ "p", "s", "transform", "t" }, { "p", NULL, "load", "t" },
		{ "p", NULL, "transform", "u" },
	};
	struct env *v = *state;
	struct letter_replay one = { .seen = 1 };
	struct letter_replays all = { .v = &one, .n = 1 };
	char id[HASH_HEX];
	struct buf b;

	setup_tables(state);
	buf_init(&b, 4096);
	keyed_id(id, "[1]");
	keyed_reject(&b, "[1]", "r/t.1/1", "x");
	assert_int_equal(put(v, &b), NEW);
	buf_release(&b);
	one.id = id;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		all.of = others[i];
		OK(v, db_begin(v->db, &v->e));
		OK(v, letters_finish(v->db, &all, 0, NULL, &v->e));
		OK(v, db_commit(v->db, &v->e));
		assert_true(one.lost);
		check_letter(v, id, "open 1 0 - -");
	}
	assert_false(resolve(v, id, 1, 0));
	check_letter(v, id, "resolved 1 1 run-7 at");
}

/* A letter that its replay rejects again stays open, with one more attempt. */
static void
a_letter_is_resolved_and_rejected_in_a_batch(void **state)
{
	struct env *v = *state;
	struct letter_replay done[] = { { .id = "bb", .seen = 1 },
	    { .id = "aa", .seen = 2 }, { .id = "cc", .seen = 1 } };
	const struct letter_replays all = { .v = done, .n = 3, .of = group };
	struct letter_text line;
	int64_t added = 0;
	struct buf b;

	setup_tables(state);
	put_times(v, "aa", 1, 2);
	put_times(v, "bb", 1, 1);
	buf_init(&b, 4096);
	reject(&b, "aa", "r/again/1", "x", 1);
	line = (struct letter_text){ b.data, b.len };
	OK(v, db_begin(v->db, &v->e));
	OK(v, letters_add(v->db, &line, 1, 0, &added, &v->e));
	OK(v, letters_add(v->db, &line, 1, 0, &added, &v->e));
	OK(v, letters_finish(v->db, &all, 0, &added, &v->e));
	OK(v, db_commit(v->db, &v->e));
	assert_int_equal(added, 1);
	assert_false(done[0].lost);
	assert_false(done[1].lost);
	assert_true(done[2].lost);
	check_letter(v, "aa", "open 3 2 - -");
	check_letter(v, "bb", "resolved 1 1 - at");
	check_raw(v, "aa", "x", 1);
	buf_release(&b);
}

/* One of several processes.  In each batch it resolves one half of the letters
 * and stores the other half, in an order of its own. */
static int
resolve_and_store_in_own_order(const char *url, int which)
{
	struct letter_replay done[CROSS / 2];
	const struct letter_replays all = { .v = done, .n = CROSS / 2,
		.of = group };
	struct letter_text lines[CROSS / 2];
	struct buf b[CROSS / 2];
	char id[CROSS][16], occurrence[40];
	struct db *db;
	struct err e;

	if (control_open(&db, url, NULL, true, &e) == -1)
		return 2;
	for (int i = 0; i < CROSS; i++)
		(void)snprintf(id[i], sizeof(id[i]), "%08x", i * 7919);
	for (int i = 0; i < CROSS / 2; i++)
		buf_init(&b[i], 4096);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CROSS / 2; i++) {
			int k = (i * 5 + which * 3) % (CROSS / 2) * 2;

			done[i] = (struct letter_replay){
			    .id = id[k + which % 2] };
			(void)snprintf(occurrence, sizeof(occurrence),
			    "%d/%d/%d", which, round, i);
			reject(&b[i], id[k + 1 - which % 2], occurrence, "x",
			    1);
			lines[i] = (struct letter_text){ b[i].data,
			    b[i].len };
		}
		if (db_begin(db, &e) == -1 ||
		    letters_add(db, lines + CROSS / 4, CROSS / 4, 0, NULL,
		    &e) == -1 ||
		    letters_add(db, lines, CROSS / 4, 0, NULL, &e) == -1 ||
		    letters_finish(db, &all, 0, NULL, &e) == -1 ||
		    db_commit(db, &e) == -1) {
			print_error("%s\n", e.msg);
			return 3;
		}
	}
	for (int i = 0; i < CROSS / 2; i++)
		buf_release(&b[i]);
	db_close(db);
	return 0;
}

static void
loaders_with_crossing_letters_never_deadlock(void **state)
{
	struct env *v = *state;
	pid_t pid[4];
	int status;

	setup_tables(state);
	for (int i = 0; i < 4; i++)
		if ((pid[i] = fork()) == 0)
			_exit(resolve_and_store_in_own_order(v->url, i));
	for (int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(number(v, "SELECT CAST(sum(attempts) AS bigint) "
	    "FROM dead_letters"), 4 * ROUNDS * CROSS / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(resolving_compares_the_version),
		ON_BOTH(letters_of_another_group_are_not_resolved),
		ON_BOTH(a_letter_is_resolved_and_rejected_in_a_batch),
		ON_BOTH(loaders_with_crossing_letters_never_deadlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
