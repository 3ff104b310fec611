/* Tests of dead letters: each keeps its exact bytes and is stored once. */
#include "db_letter_help.h"

static void
letters_keep_the_exact_bytes(void **state)
{
	static const struct {
		const char *raw;
		size_t len;
		bool json;
	} c[] = {
#define RAW(s, json) { s, sizeof(s) - 1, json }
		RAW("{\"a\":1, \"a\" : 2.50,\"\\u00e9\":\"\\ud83d\\ude00\"}",
		    true),
		RAW("", false), RAW("{\"a\":", false), RAW("\0", false),
		RAW("\xff\xfe\0\x80", false), RAW("\\t\t\\N\r\n\\.", false),
		RAW("{\"a\":\"\\u0000\"}", false),
		RAW("{\"a\":\"\\ud800\"}", false),
		RAW("[1e400]", true), RAW("[1e200000]", false),
		RAW("[-1E-99999]", false), RAW("[1e0000000009]", true),
		RAW("[true,false,\"e99999\",12]", true), RAW("7", true),
	};
	struct env *v = *state;
	char id[8], occurrence[24], sql[80];
	struct buf b;

	setup_tables(state);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		(void)snprintf(id, sizeof(id), "aa%02zx", i);
		(void)snprintf(occurrence, sizeof(occurrence), "r/s.1/%zu",
		    i + 1);
		reject(&b, id, occurrence, c[i].raw, c[i].len);
		assert_int_equal(put(v, &b), NEW);
		check_raw(v, id, c[i].raw, c[i].len);
		(void)snprintf(sql, sizeof(sql), "SELECT count(raw_data) "
		    "FROM dead_letters WHERE reject_id = '%s'", id);
		assert_int_equal(number(v, sql), c[i].json);
	}
	buf_release(&b);
}

static void
an_occurrence_is_counted_once(void **state)
{
	struct env *v = *state;
	struct letter_filter f = { .status = "open" };
	struct letters *l;
	struct letter t;
	struct buf b;

	setup_tables(state);
	buf_init(&b, 4096);
	reject(&b, "beef", "r1/t.1/1", "x", 1);
	assert_int_equal(put(v, &b), NEW);
	assert_int_equal(put(v, &b), KNOWN);
	reject(&b, "beef", "r2/t.1/1", "y", 1);
	assert_int_equal(put(v, &b), NEW);
	assert_int_equal(number(v, "SELECT attempts FROM dead_letters"), 2);
	check_raw(v, "beef", "y", 1);

	OK(v, letter_set_status_and_reason(
		  v->db, "be", "resolved", "by hand", &v->e));
	OK(v, letters_open(&l, v->db, &f, &v->e));
	assert_int_equal(letters_next(l, &t, &v->e), 0);
	letters_close(l);
	check_word(v, "SELECT status FROM dead_letters", "resolved");
	assert_int_equal(put(v, &b), KNOWN);
	check_word(v, "SELECT status FROM dead_letters", "resolved");

	reject(&b, "beef", "r3/t.1/1", "z", 1);
	assert_int_equal(put(v, &b), NEW);
	OK(v, letters_open(&l, v->db, &f, &v->e));
	assert_int_equal(letters_next(l, &t, &v->e), 1);
	assert_int_equal(t.attempts, 3);
	assert_int_equal(t.resolved_upto, 2);
	assert_string_equal(t.stage, "transform");
	assert_string_equal(t.code, "required");
	assert_string_equal(t.message, "no title");
	assert_string_equal(t.pointer, "/title");
	assert_string_equal(t.pipeline, "p");
	assert_string_equal(t.run, "r1");
	assert_string_equal(t.created_at, "2026-11-20T08:34:00.123456Z");
	assert_string_equal(t.origin, "{\"kind\":\"stdin\",\"line\":3}");
	letters_close(l);
	buf_release(&b);
}

static void
equal_rejects_of_a_batch_are_one_letter(void **state)
{
	struct env *v = *state;
	struct letter_text lines[3];
	struct buf a, b;
	int64_t added;

	setup_tables(state);
	buf_init(&a, 4096);
	buf_init(&b, 4096);
	reject(&a, "aa", "r/t.1/1", "old", 3);
	reject(&b, "aa", "r/t.1/2", "new", 3);
	lines[0] = lines[1] = (struct letter_text){ a.data, a.len };
	lines[2] = (struct letter_text){ b.data, b.len };
	OK(v, db_begin(v->db, &v->e));
	OK(v, letters_store(v->db, lines, 3, 0, &added, &v->e));
	OK(v, letters_store(v->db, lines, 3, 0, NULL, &v->e));
	OK(v, db_commit(v->db, &v->e));
	assert_int_equal(added, 2);
	assert_int_equal(number(v, "SELECT attempts FROM dead_letters"), 2);
	assert_int_equal(number(v, "SELECT count(*) "
	    "FROM dead_letter_attempts"), 2);
	check_raw(v, "aa", "new", 3);
	buf_release(&a);
	buf_release(&b);
}

static void
letters_are_found_by_id(void **state)
{
	struct env *v = *state;
	struct letter_filter f = { .id = "12" };
	struct letters *l;
	struct letter t;
	struct buf b;

	setup_tables(state);
	buf_init(&b, 4096);
	reject(&b, "12ab", "r/t.1/1", "1", 1);
	(void)put(v, &b);
	reject(&b, "12ac", "r/t.1/2", "2", 1);
	(void)put(v, &b);
	assert_int_equal(letters_open(&l, v->db, &f, &v->e), -1);
	assert_int_equal(v->e.code, ERR_USAGE);
	f.id = "13";
	assert_int_equal(letters_open(&l, v->db, &f, &v->e), -1);
	assert_int_equal(v->e.code, ERR_LIMIT);
	f.id = "%";
	assert_int_equal(letters_open(&l, v->db, &f, &v->e), -1);
	assert_int_equal(v->e.code, ERR_LIMIT);
	f.id = "2";
	OK(v, letters_open(&l, v->db, &f, &v->e));
	assert_int_equal(letters_next(l, &t, &v->e), 1);
	assert_string_equal(t.reject_id, "12ac");
	letters_close(l);
	assert_int_equal(
	    letter_set_status_and_reason(v->db, "ff", "resolved", NULL, &v->e),
	    -1);
	assert_int_equal(v->e.code, ERR_LIMIT);
	buf_release(&b);
}

static size_t
count(struct env *v, const struct letter_filter *f)
{
	struct letters *l;
	struct letter t;
	size_t n = 0;
	int rc;

	OK(v, letters_open(&l, v->db, f, &v->e));
	while ((rc = letters_next(l, &t, &v->e)) == 1)
		n++;
	OK(v, rc);
	letters_close(l);
	return n;
}

static void
filters_select_letters(void **state)
{
	struct env *v = *state;
	struct buf b;

	setup_tables(state);
	buf_init(&b, 4096);
	reject(&b, "aa", "r1/t.1/1", "1", 1);
	(void)put(v, &b);
	reject(&b, "bb", "r2/t.1/2", "2", 1);
	(void)put(v, &b);
#define COUNT(...) count(v, &(struct letter_filter){ __VA_ARGS__ })
	assert_int_equal(COUNT(.limit = 0), 2);
	assert_int_equal(COUNT(.limit = 1), 1);
	assert_int_equal(COUNT(.stage = "transform"), 2);
	assert_int_equal(COUNT(.stage = "load"), 0);
	assert_int_equal(COUNT(.code = "required", .pipeline = "p"), 2);
	assert_int_equal(COUNT(.run = "r2"), 1);
	assert_int_equal(COUNT(.run = "r"), 2);
	assert_int_equal(COUNT(.run = "7"), 0);
	assert_int_equal(COUNT(.since = "2026-11-20T08:34:00.123456Z"), 2);
	assert_int_equal(COUNT(.since = "2026-11-20T08:34:01.000000Z"), 0);
	assert_int_equal(COUNT(.until = "2026-11-20T08:34:01.000000Z"), 2);
	assert_int_equal(COUNT(.until = "2026-11-20T08:34:00.123456Z"), 0);
	assert_int_equal(COUNT(.status = "discarded"), 0);
	OK(v, letter_set_status_and_reason(
		  v->db, "aa", "discarded", NULL, &v->e));
	assert_int_equal(COUNT(.status = "discarded"), 1);
	buf_release(&b);
}

#define REJECT "{\"@etl\":\"reject\",\"id\":\"a\",\"stage\":\"s\","

/* An invalid reject line is reported and not stored.  A line in which only the
 * time is invalid is stored. */
static void
invalid_reject_lines_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "{}", "[]", "{\"@etl\":\"end\"}",
		REJECT "\"code\":\"c\",\"raw\":\"\"}",
		REJECT "\"code\":\"c\",\"occurrence\":\"o\"}",
		REJECT "\"code\":\"c\",\"occurrence\":\"o\","
		    "\"raw_base64\":\"!\"}",
		REJECT "\"occurrence\":\"o\",\"raw\":\"\"}",
		REJECT "\"code\":7,\"occurrence\":\"o\",\"raw\":\"\"}",
		REJECT "\"code\":\"\",\"occurrence\":\"o\",\"raw\":\"\"}",
	};
	static const char odd[] = REJECT "\"code\":\"c\","
	    "\"occurrence\":\"o\",\"raw\":\"\","
	    "\"message\":\"a\\u0000b\",\"at\":\"2026-02-31T00:00:00Z\"}";
	struct env *v = *state;

	setup_tables(state);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		OK(v, db_begin(v->db, &v->e));
		assert_int_equal(put_one(v, bad[i], strlen(bad[i])), FAILED);
		assert_int_equal(v->e.code, ERR_DATA);
		db_rollback(v->db);
	}
	assert_int_equal(number(v, "SELECT count(*) FROM dead_letters"), 0);
	OK(v, db_begin(v->db, &v->e));
	OK(v, put_one(v, odd, strlen(odd)));
	OK(v, db_commit(v->db, &v->e));
	check_word(v, "SELECT error_message FROM dead_letters", "a?b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(letters_keep_the_exact_bytes),
		ON_BOTH(an_occurrence_is_counted_once),
		ON_BOTH(equal_rejects_of_a_batch_are_one_letter),
		ON_BOTH(letters_are_found_by_id),
		ON_BOTH(filters_select_letters),
		ON_BOTH(invalid_reject_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
