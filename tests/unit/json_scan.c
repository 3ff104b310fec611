/* Tests of the JSON scanner: positions, levels, depth, names and faults. */
#include "json_help.h"

#include <stdio.h>
#include <time.h>

/* Writes a token as TYPE@AT+LEN>NEXT*MEMBERS, for example "o0+33>1*2". */
static void
is_tape(const char *text, unsigned int levels, const char *want)
{
	static const char types[] = "nftdsao";
	struct scanned s;
	char got[512] = "";
	size_t n = 0;

	scan(&s, text, strlen(text), levels, JSON_UNIQUE);
	assert_int_equal(s.rc, 0);
	for (uint32_t i = 0; i < s.j.n; i++) {
		const struct json_tok *t = &s.j.tok[i];

		n += (size_t)snprintf(got + n, sizeof(got) - n,
		    "%s%c%u+%u>%u*%u", i ? " " : "", types[t->type], t->at,
		    t->len, t->next, t->members);
	}
	assert_string_equal(got, want);
	scanned_free(&s);
}

static void
test_token_positions(void **state)
{
	is_tape(" 12 ", 0, "d1+2>1*0");
	is_tape("[]", JSON_LEVELS_ALL, "a0+2>1*0");
	is_tape("{\"a\":1, \"b\":[true,null]}", JSON_LEVELS_ALL,
	    "o0+24>7*2 s1+3>2*0 d5+1>3*0 s8+3>4*0 a12+11>7*2 t13+4>6*0 "
	    "n18+4>7*0");
	is_tape("[[\"x\"],{ } , false]", JSON_LEVELS_ALL,
	    "a0+19>5*3 a1+5>3*1 s2+3>3*0 o7+3>4*0 f13+5>5*0");
}

static void
test_only_kept_levels_have_tokens(void **state)
{
	static const char text[] = "{\"a\":{\"b\":[1,2,{\"c\":3}]},\"d\":[4]}";

	is_tape(text, 0, "o0+33>1*2");
	is_tape(text, 1, "o0+33>5*2 s1+3>2*0 o5+19>3*1 s25+3>4*0 "
	    "a29+3>5*1");
	is_tape(text, 2, "o0+33>8*2 s1+3>2*0 o5+19>5*1 s6+3>4*0 a10+13>5*3 "
	    "s25+3>6*0 a29+3>8*1 d30+1>8*0");
}

/* The count of children stops at 65535. */
static void
test_many_children_are_counted(void **state)
{
	char *text = repeat("1,", 70000);
	struct scanned s;

	text[0] = '[';
	text[1] = ' ';
	text[139999] = ']';
	scan(&s, text, 140000, 1, JSON_UNIQUE);
	assert_int_equal(s.rc, 0);
	assert_int_equal(s.j.n, 70000);
	assert_int_equal(s.j.tok[0].members, 65535);
	scanned_free(&s);
	free(text);
}

static void
is_fault(const char *text, size_t n, const char *code, size_t at)
{
	struct scanned s;

	scan(&s, text, n, JSON_LEVELS_ALL, JSON_UNIQUE);
	assert_int_equal(s.rc, -1);
	assert_string_equal(s.f.code, code);
	assert_int_equal(s.f.at, at);
	assert_non_null(s.f.why);
	assert_true(strlen(s.f.why) > 0);
	scanned_free(&s);
}

static void
test_faults_have_code_and_position(void **state)
{
	is_fault(TEXT(""), "parse", 0);
	is_fault(TEXT("  "), "parse", 2);
	is_fault(TEXT("[1,]"), "parse", 3);
	is_fault(TEXT("[1] 2"), "parse", 4);
	is_fault(TEXT("{\"a\" 1}"), "parse", 5);
	is_fault(TEXT("{\"a\":1,b}"), "parse", 7);
	is_fault(TEXT("\"a\nb\""), "parse", 2);
	is_fault(TEXT("\"abc"), "parse", 4);
	is_fault(TEXT("01"), "parse", 1);
	is_fault(TEXT("\"12345678\xff\""), "encoding", 9);
	is_fault(TEXT("{\"a\":1,\"a\":2}"), "duplicate_member", 7);
	is_fault(TEXT("{\"a\":1,\"a\":2"), "duplicate_member", 7);
}

static void
test_depth_is_limited(void **state)
{
	char *open = repeat("[", 1000000), *pairs = repeat("{\"\":", 257);
	struct scanned s;
	clock_t begin = clock();

	is_fault(open, 1000000, "depth", 256);
	is_fault(open, 257, "depth", 256);
	is_fault(open, 256, "parse", 256);
	is_fault(pairs, 1028, "depth", 1024);
	memset(open + 256, ']', 256);
	for (unsigned int levels = 0; levels <= JSON_LEVELS_ALL; levels++) {
		scan(&s, open, 512, levels, JSON_UNIQUE);
		assert_int_equal(s.rc, 0);
		assert_int_equal(s.j.n, levels < 255 ? levels + 1 : 256);
		assert_int_equal(s.j.tok[0].next, s.j.n);
		assert_int_equal(s.j.tok[0].len, 512);
		scanned_free(&s);
	}
	assert_true(clock() - begin < CLOCKS_PER_SEC);
	free(open);
	free(pairs);
}

static void
test_duplicate_names_are_found(void **state)
{
	is_fault(TEXT("{\"\":1,\"\":2}"), "duplicate_member", 6);
	is_fault(TEXT("{\"a\":1,\"\\u0061\":2}"), "duplicate_member", 7);
	is_fault(TEXT("{\"\\u0061\":1,\"a\":2}"), "duplicate_member", 12);
	is_fault(TEXT("{\"\xc3\xa9\":1,\"\\u00E9\":2}"), "duplicate_member",
	    8);
	is_fault(TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
	    "duplicate_member", 18);
	is_fault(TEXT("{\"\\ud800\":1,\"\\uD800\":2}"), "duplicate_member",
	    12);
	is_fault(TEXT("{\"a/b\":1,\"a\\/b\":2}"), "duplicate_member", 9);
	is_fault(TEXT("[{\"x\":{\"a\":[{}],\"b\":0,\"a\":1}}]"),
	    "duplicate_member", 22);
	is_tape("{\"a\":1,\"b\":{\"a\":1}}", 1,
	    "o0+19>5*2 s1+3>2*0 d5+1>3*0 s7+3>4*0 o11+7>5*1");
}

static void
is_duplicate_on_all_levels(const char *text, size_t at)
{
	for (unsigned int levels = 0; levels < 6; levels++) {
		struct scanned s;

		scan(&s, text, strlen(text), levels, JSON_UNIQUE);
		if (s.rc != -1)
			fail_msg("%s with tokens of %u levels", text, levels);
		assert_string_equal(s.f.code, "duplicate_member");
		assert_int_equal(s.f.at, at);
		scanned_free(&s);
	}
}

static void
test_duplicates_are_found_below_the_levels_with_tokens(void **state)
{
	static const char last[] = "{\"a\":{\"b\":1,\"b\":2}}";
	struct scanned s;

	is_duplicate_on_all_levels(last, 12);
	is_duplicate_on_all_levels("[[[{\"a\":[{}],\"\":0,\"a\":1}]]]", 18);
	is_duplicate_on_all_levels("{\"a\":[{\"b\":[{\"c\":{},\"c\":1}]}]}",
	    20);
	is_duplicate_on_all_levels("{\"a\":[{\"b\":[{\"c\":{}}]}],\"a\":0}",
	    24);
	is_duplicate_on_all_levels("[{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,"
	    "\"f\":0,\"g\":0,\"h\":0,\"i\":{\"a\":[]},\"c\":0}]", 63);
	scan(&s, TEXT(last), 2, JSON_LAST);
	assert_int_equal(s.rc, 0);
	assert_int_equal(json_member_value(&s.j, 2, "b", 1), 6);
	scanned_free(&s);
}

/* The tokens of names are dropped when they have been compared. */
static void
test_deep_values_take_little_memory(void **state)
{
	char *ones = repeat("1,", 500000);
	char *objects = repeat("{\"a\":[{}],\"b\":{\"a\":1}},", 50000);
	size_t n = strlen(objects);
	struct scanned s;

	ones[0] = '[';
	ones[1] = ' ';
	ones[999999] = ']';
	scan(&s, ones, 1000000, 0, JSON_UNIQUE);
	assert_int_equal(s.rc, 0);
	assert_int_equal(s.j.n, 1);
	assert_int_equal(s.j.cap, 64);
	scanned_free(&s);
	memset(objects, ' ', 23);
	objects[0] = '[';
	objects[n - 1] = ']';
	scan(&s, objects, n, 0, JSON_UNIQUE);
	assert_int_equal(s.rc, 0);
	assert_int_equal(s.j.n, 1);
	assert_int_equal(s.j.cap, 64);
	scanned_free(&s);
	free(ones);
	free(objects);
}

/* Random objects of few names; the result is compared with a simple search. */
static void
test_duplicates_in_random_objects(void **state)
{
	static const char *const names[][2] = {
		{ "", "" }, { "a", "\\u0061" }, { "b", "\\u0062" },
		{ "ab", "a\\u0062" }, { "ba", "\\u0062a" },
		{ "/", "\\/" }, { "abcdefgh", "\\u0061bcdefgh" },
		{ "abcdefg", "abcdef\\u0067" },
		{ "abcdefghi", "abcdefgh\\u0069" },
		{ "abcdefgi", "abcdefg\\u0069" },
		{ "12345678XY12345678", "\\u00312345678XY12345678" },
		{ "12345678YX12345678", "12345678\\u0059X12345678" },
		{ "12345678Y12345678", "12345678Y1234567\\u0038" },
		{ "\xc3\xa9", "\\u00e9" }, { "\\n", "\\u000a" },
		{ "\\ud800", "\\uD800" },
	};
	enum { NAMES = sizeof(names) / sizeof(names[0]) };
	uint32_t noise = 1;

	for (int round = 0; round < 20000; round++) {
		unsigned int used = 0, n = 0;
		bool twice = false;
		char text[1024] = "{";

		for (unsigned int i = 0; i < 1 + (unsigned int)round % 14;
		    i++) {
			noise = noise * 1103515245U + 12345;
			unsigned int k = (noise >> 16) % NAMES;

			twice = twice || (used >> k & 1);
			used |= 1U << k;
			n = (unsigned int)strlen(text);
			(void)snprintf(text + n, sizeof(text) - n,
			    "\"%s\":[],", names[k][noise >> 31]);
		}
		text[strlen(text) - 1] = '}';
		struct scanned s;

		scan(&s, text, strlen(text), 1, JSON_UNIQUE);
		if (s.rc != (twice ? -1 : 0))
			fail_msg("%s", text);
		scanned_free(&s);
	}
}

/* Returns an object of n members named kBASE0000001TAIL and so on.  If same <
 * n, the last member has the name of member same, spelt with an escape. */
static char *
object_of(size_t n, size_t same, const char *tail, size_t *len)
{
	size_t cap = n * 48 + 64, at = 1;
	char *p = malloc(cap);

	assert_non_null(p);
	p[0] = '{';
	for (size_t i = 0; i < n; i++) {
		bool last = i == n - 1 && same < n;

		at += (size_t)snprintf(p + at, cap - at, "\"%sBASE%07zu%s\":0,",
		    last ? "\\u006b" : "k", last ? same : i, tail);
	}
	p[at - 1] = '}';
	*len = at;
	return p;
}

static void
test_duplicates_among_many_names(void **state)
{
	static const char *const tails[] = { "", "ABCDEFGH" };
	static const size_t counts[] = { 2, 8, 9, 10, 128, 129, 1000, 200000 };
	size_t n;

	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
			for (size_t same = 0; same < 3; same++) {
				size_t at = same == 2 ? counts[i] : same;
				char *p = object_of(counts[i], at, tails[t],
				    &n);
				struct scanned s;

				scan(&s, p, n, 1, JSON_UNIQUE);
				assert_int_equal(s.rc,
				    at < counts[i] - 1 ? -1 : 0);
				if (s.rc == -1)
					assert_int_equal(s.f.at, n -
					    strlen("\"\\u006bBASE0000000\":0}")
					    - strlen(tails[t]));
				scanned_free(&s);
				free(p);
			}
}

/* A million names, also with equal hashes, do not take quadratic time. */
static void
test_colliding_names_are_fast(void **state)
{
	static const char *const tails[] = { "", "ABCDEFGH" };
	clock_t begin;
	size_t n;

	for (size_t t = 0; t < 2; t++) {
		char *p = object_of(1000000, 1000000, tails[t], &n);
		struct scanned s;

		begin = clock();
		scan(&s, p, n, 1, JSON_UNIQUE);
		assert_true(clock() - begin < 20 * CLOCKS_PER_SEC);
		assert_int_equal(s.rc, 0);
		assert_int_equal(s.j.n, 2000001);
		scanned_free(&s);
		free(p);
	}
}

static void
test_members_are_found_by_name(void **state)
{
	static const char text[] = "{\"a\":1,\"b\":[0],\"\\u0063d\":3,"
	    "\"a\":4,\"e\":5}";
	struct scanned s;

	scan(&s, TEXT(text), JSON_LEVELS_ALL, JSON_LAST);
	assert_int_equal(s.rc, 0);
	assert_int_equal(json_member_value(&s.j, 0, "a", 1), 9);
	assert_int_equal(json_member_value(&s.j, 0, "b", 1), 4);
	assert_int_equal(json_member_value(&s.j, 0, "cd", 2), 7);
	assert_int_equal(json_member_value(&s.j, 0, "e", 1), 11);
	assert_int_equal(json_member_value(&s.j, 0, "c", 1), 0);
	assert_int_equal(json_member_value(&s.j, 0, "cde", 3), 0);
	assert_int_equal(json_member_value(&s.j, 0, "", 0), 0);
	assert_int_equal(json_member_value(&s.j, 0, "\\u0063d", 7), 0);
	scanned_free(&s);
	scan(&s, TEXT("{}"), JSON_LEVELS_ALL, JSON_LAST);
	assert_int_equal(json_member_value(&s.j, 0, "a", 1), 0);
	scanned_free(&s);
}

/* One struct scans many texts, and may be released twice. */
static void
test_a_struct_can_be_reused(void **state)
{
	struct json j = { 0 };
	struct json_fault f;

	assert_int_equal(json_scan(&j, TEXT("[1,\"\\n\"]"), 1, JSON_LAST, &f),
	    0);
	assert_int_equal(json_scan(&j, TEXT("[}"), 1, JSON_LAST, &f), -1);
	assert_int_equal(json_scan(&j, TEXT("{}"), 1, JSON_LAST, &f), 0);
	assert_int_equal(j.n, 1);
	assert_int_equal(j.flags, 0);
	json_release(&j);
	json_release(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_positions),
		cmocka_unit_test(test_only_kept_levels_have_tokens),
		cmocka_unit_test(test_many_children_are_counted),
		cmocka_unit_test(test_faults_have_code_and_position),
		cmocka_unit_test(test_depth_is_limited),
		cmocka_unit_test(test_duplicate_names_are_found),
		cmocka_unit_test(
		    test_duplicates_are_found_below_the_levels_with_tokens),
		cmocka_unit_test(test_deep_values_take_little_memory),
		cmocka_unit_test(test_duplicates_in_random_objects),
		cmocka_unit_test(test_duplicates_among_many_names),
		cmocka_unit_test(test_colliding_names_are_fast),
		cmocka_unit_test(test_members_are_found_by_name),
		cmocka_unit_test(test_a_struct_can_be_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
