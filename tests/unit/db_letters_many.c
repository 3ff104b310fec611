/* Tests of dead letters: many at once, stored by several processes at once. */
#include "db_letter_help.h"

#include "base/clock.h"

#include <sys/wait.h>

enum { MANY = 10000, RACERS = 4, RACE = 512 };

static void
many_letters_are_stored_quickly(void **state)
{
	struct env *v = *state;
	struct letter_text *lines = calloc(MANY, sizeof(*lines));
	char id[72], occurrence[72];
	int64_t added, start;
	struct buf b;

	setup_tables(state);
	assert_non_null(lines);
	for (size_t i = 0; i < MANY; i++) {
		buf_init(&b, 4096);
		(void)snprintf(id, sizeof(id), "%064zx", i * 7919 % (MANY / 2));
		(void)snprintf(occurrence, sizeof(occurrence),
		    "6f1c5a36-0000/transform.abcd/%zu", i + 1);
		reject(&b, id, occurrence, "{\"id\":1,\"title\":null}", 21);
		lines[i].p = b.data;
		lines[i].len = b.len;
	}
	start = clock_ms();
	for (int twice = 0; twice < 2; twice++) {
		OK(v, db_begin(v->db, &v->e));
		OK(v, letters_store(v->db, lines, MANY, 0, &added, &v->e));
		OK(v, db_commit(v->db, &v->e));
		assert_int_equal(added, twice ? 0 : MANY);
		print_message("%d letters: %" PRId64 " ms\n", (int)MANY,
		    clock_ms() - start);
	}
	assert_int_equal(number(v, "SELECT count(*) FROM dead_letters"),
	    MANY / 2);
	assert_int_equal(number(v, "SELECT min(attempts) FROM dead_letters"),
	    2);
	for (size_t i = 0; i < MANY; i++) {
		b.data = (char *)(uintptr_t)lines[i].p;
		buf_release(&b);
	}
	free(lines);
}

/* If jsonb refuses a record, the letter is stored with its bytes and without
 * raw_data, and the batch succeeds. */
static void
json_that_jsonb_refuses_is_kept_as_bytes(void **state)
{
	struct env *v = *state;
	struct buf b;

	setup_tables(state);
	script(v, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
	    "AS $$BEGIN IF new.raw_data IS NOT NULL THEN RAISE EXCEPTION "
	    "'no' USING ERRCODE = '22P05'; END IF; RETURN new; END$$;"
	    "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON dead_letters "
	    "FOR EACH ROW EXECUTE FUNCTION refuse()");
	buf_init(&b, 4096);
	reject(&b, "aa", "r/t.1/1", "{\"a\":1}", 7);
	assert_int_equal(put(v, &b), NEW);
	check_raw(v, "aa", "{\"a\":1}", 7);
	assert_int_equal(number(v, "SELECT count(raw_data) "
	    "FROM dead_letters"), 0);
	buf_release(&b);
}

/* Without a transaction the staged rows would be lost: storing is refused. */
static void
letters_need_a_transaction(void **state)
{
	struct env *v = *state;
	struct buf b;

	setup_tables(state);
	buf_init(&b, 4096);
	reject(&b, "aa", "r/t.1/1", "x", 1);
	assert_int_equal(put_one(v, b.data, b.len), FAILED);
	assert_int_equal(put(v, &b), NEW);
	buf_release(&b);
}

/* One of several processes that store the same rejects, each in its own order.
 * Each occurrence belongs to two rejects; only one of them may be stored. */
static int
store_all_in_own_order(const char *url, int which)
{
	struct letter_text lines[RACE] = { { NULL, 0 } };
	struct buf b[RACE];
	char id[24], occurrence[24];
	struct err e;
	struct db *db;
	int64_t added;

	if (control_open(&db, url, NULL, true, &e) == -1)
		return 2;
	for (int i = 0; i < RACE; i++) {
		int k = i * (which * 2 + 3) % RACE;

		(void)snprintf(id, sizeof(id), "%08x", k * 7);
		(void)snprintf(occurrence, sizeof(occurrence), "r/t.1/%d",
		    k / 2);
		buf_init(&b[i], 4096);
		reject(&b[i], id, occurrence, "x", 1);
		lines[i] = (struct letter_text){ b[i].data, b[i].len };
	}
	for (int from = 0; from < RACE; from += RACE / 4)
		if (db_begin(db, &e) == -1 || letters_store(db, lines + from,
		    RACE / 4, 0, &added, &e) == -1 ||
		    db_commit(db, &e) == -1) {
			print_error("%s\n", e.msg);
			return 3;
		}
	for (int i = 0; i < RACE; i++)
		buf_release(&b[i]);
	db_close(db);
	return 0;
}

static void
concurrent_writers_store_each_letter_once(void **state)
{
	struct env *v = *state;
	pid_t pid[RACERS];
	int status;

	setup_tables(state);
	for (int i = 0; i < RACERS; i++)
		if ((pid[i] = fork()) == 0)
			_exit(store_all_in_own_order(v->url, i));
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(number(v, "SELECT count(*) "
	    "FROM dead_letter_attempts"), RACE / 2);
	assert_int_equal(number(v, "SELECT CAST(sum(attempts) AS bigint) "
	    "FROM dead_letters"), RACE / 2);
	assert_int_equal(number(v, "SELECT count(*) FROM dead_letters"),
	    RACE / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(many_letters_are_stored_quickly),
		ON_BOTH(concurrent_writers_store_each_letter_once),
		ON_POSTGRESQL(json_that_jsonb_refuses_is_kept_as_bytes),
		ON_POSTGRESQL(letters_need_a_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
