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
	char id[HASH_HEX];
	struct buf b;

	setup_tables(state);
	buf_init(&b, 4096);
	keyed_id(id, "[7]");
	keyed_reject(&b, "[7]", "r1/t.1/1", "x");
	assert_int_equal(put(v, &b), NEW);
	assert_int_equal(put(v, &b), KNOWN);
	keyed_reject(&b, "[7]", "r2/t.1/1", "y");
	assert_int_equal(put(v, &b), NEW);
	assert_int_equal(number(v, "SELECT attempts FROM dead_letters"), 2);
	check_raw(v, id, "y", 1);

	OK(v, letter_close(v->db, id, "resolved", "by hand", &v->e));
	OK(v, letters_open(&l, v->db, &f, &v->e));
	assert_int_equal(letters_next(l, &t, &v->e), 0);
	letters_close(l);
	check_word(v, "SELECT status FROM dead_letters", "resolved");
	assert_int_equal(put(v, &b), KNOWN);
	check_word(v, "SELECT status FROM dead_letters", "resolved");

	keyed_reject(&b, "[7]", "r3/t.1/1", "z");
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
	assert_string_equal(t.origin,
	    "{\"kind\":\"stdin\",\"line\":3,\"key\":\"[7]\"}");
	letters_close(l);
	buf_release(&b);
}

static void
equal_rejects_of_a_batch_are_one_letter(void **state)
{
	struct env *v = *state;
	struct letter_text lines[3];
	char id[HASH_HEX];
	struct buf a, b;
	int64_t added;

	setup_tables(state);
	buf_init(&a, 4096);
	buf_init(&b, 4096);
	keyed_id(id, "[1]");
	keyed_reject(&a, "[1]", "r/t.1/1", "old");
	keyed_reject(&b, "[1]", "r/t.1/2", "new");
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
	check_raw(v, id, "new", 3);
	buf_release(&a);
	buf_release(&b);
}

/* Reads the bytes of all occurrences of a letter, each in brackets. */
static void
check_bytes_of_occurrences(struct env *v, const char *id,
    enum letter_occurrences_kind kind, const char *want)
{
	struct letter_filter f = { .id = id };
	struct letter_occurrences *times;
	struct letters *l;
	struct letter_occurrence t;
	struct letter one;
	struct buf b;
	int more;

	buf_init(&b, 4096);
	OK(v, letters_open(&l, v->db, &f, &v->e));
	assert_int_equal(letters_next(l, &one, &v->e), 1);
	OK(v, letter_occurrences_open(&times, v->db, &one, kind, &v->e));
	while ((more = letter_occurrences_next(times, &t, &v->e)) == 1) {
		assert_int_equal(letter_occurrences_read(times, &t, &v->e), 1);
		buf_char(&b, '[');
		if (t.has_own_bytes)
			buf_add(&b, t.raw, t.raw_len);
		else
			buf_add(&b, one.raw, one.raw_len);
		buf_char(&b, ']');
	}
	assert_int_equal(more, 0);
	letter_occurrences_close(times);
	letters_close(l);
	assert_string_equal(buf_text(&b), want);
	buf_release(&b);
}

/* Stores a reject for each character of `records`, all of one key: those before
 * a blank in one transaction. */
static void
put_records_of_one_key(struct env *v, const char *records, int first)
{
	struct letter_text lines[16];
	struct buf b[16];
	char raw[2] = "", occurrence[24];
	size_t n = 0;

	for (;; records++) {
		if (*records == ' ' || *records == '\0') {
			OK(v, db_begin(v->db, &v->e));
			OK(v, letters_store(v->db, lines, n, 0, NULL, &v->e));
			OK(v, db_commit(v->db, &v->e));
			while (n > 0)
				buf_release(&b[--n]);
		}
		if (*records == '\0')
			return;
		if (*records == ' ')
			continue;
		raw[0] = *records;
		(void)snprintf(
		    occurrence, sizeof(occurrence), "r/t.1/%d", first++);
		buf_init(&b[n], 4096);
		keyed_reject(&b[n], "[1]", occurrence, raw);
		lines[n] = (struct letter_text){ b[n].data, b[n].len };
		n++;
	}
}

static void
each_occurrence_keeps_its_bytes(void **state)
{
	/* The numbers of the occurrences do not sort as texts. */
	static const char *const batches[] = { "xyxzzaab", "x y x z z a a b",
		"xy xz zaab", "x yxz za ab" };
	struct env *v = *state;
	char id[HASH_HEX];

	setup_tables(state);
	keyed_id(id, "[1]");
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		put_records_of_one_key(v, batches[i], 8);
		check_bytes_of_occurrences(
		    v, id, TIMES_ALL, "[x][y][x][z][z][a][a][b]");
		check_bytes_of_occurrences(v, id, TIMES_OPEN_DISTINCT,
		    "[y][x][z][a][b]");
		script(v, "UPDATE dead_letters SET resolved_upto = 3");
		check_bytes_of_occurrences(
		    v, id, TIMES_OPEN, "[z][z][a][a][b]");
		check_bytes_of_occurrences(
		    v, id, TIMES_OPEN_DISTINCT, "[z][a][b]");
		check_raw(v, id, "b", 1);
		/* Occurrences that are stored already change nothing. */
		put_records_of_one_key(v, batches[i], 8);
		check_raw(v, id, "b", 1);
		assert_int_equal(
		    number(v, "SELECT attempts FROM dead_letters"), 8);
		script(v, "DELETE FROM dead_letters");
	}
}

/* A line may not overwrite a letter by claiming its id. */
static void
a_letter_of_another_record_stays_as_it_is(void **state)
{
	const struct reject_place p = { .pipeline = "p",
		.stage = "transform" };
	struct env *v = *state;
	char good[HASH_HEX], own[HASH_HEX];
	struct buf b;

	setup_tables(state);
	buf_init(&b, 4096);
	OK(v, reject_id_record(good, &p, "good", 4, NULL, &v->e));
	OK(v, reject_id_record(own, &p, "evil", 4, NULL, &v->e));
	reject(&b, good, "r/t.1/1", "good", 4);
	assert_int_equal(put(v, &b), NEW);
	reject(&b, good, "r/t.1/2", "evil", 4);
	assert_int_equal(put(v, &b), NEW);
	check_raw(v, good, "good", 4);
	check_raw(v, own, "evil", 4);
	assert_int_equal(number(v, "SELECT max(attempts) FROM dead_letters"),
	    1);
	assert_int_equal(number(v, "SELECT count(*) FROM dead_letters"), 2);

	/* An id that no letter has is accepted; equal bytes are one letter. */
	reject(&b, "abc", "r/t.1/3", "one", 3);
	assert_int_equal(put(v, &b), NEW);
	reject(&b, "abc", "r/t.1/4", "one", 3);
	assert_int_equal(put(v, &b), NEW);
	check_raw(v, "abc", "one", 3);
	assert_int_equal(number(v, "SELECT count(*) FROM dead_letters"), 3);
	buf_release(&b);
}

static void
letters_are_found_by_id(void **state)
{
	struct env *v = *state;
	struct letter_filter f = { .id = "12" };
	struct letters *l;
	struct letter t;
	char row[24];
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
	(void)snprintf(row, sizeof(row), "%" PRId64, number(v,
	    "SELECT id FROM dead_letters WHERE reject_id = '12ac'"));
	f.id = row;
	OK(v, letters_open(&l, v->db, &f, &v->e));
	assert_int_equal(letters_next(l, &t, &v->e), 1);
	assert_string_equal(t.reject_id, "12ac");
	letters_close(l);
	assert_int_equal(letter_close(v->db, "ff", "resolved", NULL, &v->e),
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
	OK(v, letter_close(v->db, "aa", "discarded", NULL, &v->e));
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
		ON_BOTH(each_occurrence_keeps_its_bytes),
		ON_BOTH(a_letter_of_another_record_stays_as_it_is),
		ON_BOTH(letters_are_found_by_id),
		ON_BOTH(filters_select_letters),
		ON_BOTH(invalid_reject_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
