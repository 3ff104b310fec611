/* Tests of written JSON: strings as in jq, members, copies, pointers. */
#include "json_help.h"

#include "json/pointer.h"
#include "json/write.h"

#include <stdio.h>

static void
is_buf(struct buf *b, const char *want, size_t n)
{
	struct err e;

	assert_int_equal(buf_check(b, &e), 0);
	if (b->len != n || (n > 0 && memcmp(b->data, want, n) != 0))
		fail_msg("%.*s, not %.*s", (int)b->len, b->data, (int)n, want);
	buf_release(b);
}

static void
is_string(const char *p, size_t n, const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	json_put_string(&b, p, n);
	is_buf(&b, want, strlen(want));
}

static void
test_strings_are_written_as_in_jq(void **state)
{
	is_string(TEXT(""), "\"\"");
	is_string(NULL, 0, "\"\"");
	is_string(TEXT("a"), "\"a\"");
	is_string(TEXT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
	is_string(TEXT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
	is_string(TEXT("\0\x01\x0b\x1f\x7f"),
	    "\"\\u0000\\u0001\\u000b\\u001f\\u007f\"");
	is_string(TEXT("<&'>"), "\"<&'>\"");
	is_string(TEXT("\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\xc2\x80"),
	    "\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\xc2\x80\"");
}

/* Each escape at each place: the writer looks at eight bytes at a time. */
static void
test_escapes_at_each_place(void **state)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", as[] = "\"\\bfnrt";
	char text[20], want[40];

	for (size_t at = 0; at < sizeof(text); at++)
		for (unsigned int c = 0; c < 256; c++) {
			const char *p = c ? strchr(escaped, (int)c) : NULL;
			int n = (int)at, rest = (int)(sizeof(text) - at - 1);

			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			if (p != NULL)
				(void)snprintf(want, sizeof(want),
				    "\"%.*s\\%c%.*s\"", n, text,
				    as[p - escaped], rest, text + at + 1);
			else if (c < 0x20 || c == 0x7f)
				(void)snprintf(want, sizeof(want),
				    "\"%.*s\\u%04x%.*s\"", n, text, c, rest,
				    text + at + 1);
			else
				(void)snprintf(want, sizeof(want),
				    "\"%.*s\"", (int)sizeof(text), text);
			is_string(text, sizeof(text), want);
		}
}

static void
test_members_are_written(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_char(&b, '{');
	json_put_text(&b, "@etl", "reject");
	json_put_int(&b, "v", 1);
	json_put_int(&b, "min", INT64_MIN);
	json_put_int(&b, "max", INT64_MAX);
	json_put_int(&b, "zero", 0);
	json_put_member(&b, "raw", TEXT("a\0\""));
	json_put_raw(&b, "in", TEXT("{"));
	json_put_raw(&b, "x\"", TEXT("[1]"));
	buf_str(&b, "}}");
	is_buf(&b, TEXT("{\"@etl\":\"reject\",\"v\":1,"
	    "\"min\":-9223372036854775808,\"max\":9223372036854775807,"
	    "\"zero\":0,\"raw\":\"a\\u0000\\\"\",\"in\":{\"x\\\"\":[1]}}"));
}

/* Appends the string as put_string() should, a character at a time. */
static void
put_each_character(struct buf *b, const char *p, size_t n)
{
	static const char special[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *at;

	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		at = p[i] == '\0' ? NULL : strchr(special, p[i]);
		if (at != NULL)
			buf_printf(b, "\\%c", letters[at - special]);
		else if (p[i] < 0x20 || p[i] == 0x7f)
			buf_printf(b, "\\u%04x", (unsigned char)p[i]);
		else
			buf_char(b, p[i]);
	}
	buf_char(b, '"');
}

/* Sets each of the n characters to one that needs an escape sequence, at random
 * with a chance of 1 in `one_in`, or to a plain one. */
static void
fill(char *p, size_t n, unsigned int one_in)
{
	static const char special[] = "\"\\\n\x01\x7f";

	for (size_t i = 0; i < n; i++)
		if ((unsigned int)rand() % one_in == 0)
			p[i] = special[(unsigned int)rand() % sizeof(special)];
		else
			p[i] = 'a';
}

static void
test_close_and_distant_escapes_are_written_and_read(void **state)
{
	static const unsigned int one_in[] = { 1, 2, 5, 40, 300 };
	char text[1000];
	struct scanned s;
	struct buf want, b;

	srand(1);
	for (size_t k = 0; k < sizeof(one_in) / sizeof(one_in[0]); k++)
		for (size_t n = 0; n < sizeof(text); n += 1 + n / 100) {
			fill(text, n, one_in[k]);
			buf_init(&want, 1 << 20);
			put_each_character(&want, text, n);
			buf_init(&b, 1 << 20);
			json_put_string(&b, text, n);
			is_buf(&b, want.data, want.len);
			scan(&s, want.data, want.len, 0, JSON_LAST);
			assert_int_equal(s.rc, 0);
			json_unescape(&b, &s.j, 0);
			is_buf(&b, text, n);
			scanned_free(&s);
			buf_release(&want);
		}
}

/* An empty buffer has no member before, so no comma is written. */
static void
test_the_first_member_has_no_comma(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	json_put_int(&b, "a", 0);
	is_buf(&b, TEXT("\"a\":0"));
}

static void
test_a_full_buffer_is_an_error(void **state)
{
	struct buf b;
	struct err e;

	buf_init(&b, 8);
	json_put_string(&b, TEXT("longer than eight"));
	assert_int_equal(buf_check(&b, &e), -1);
	assert_int_equal(e.code, ERR_DATA);
	buf_release(&b);
}

static void
is_compact(const char *text, unsigned int levels, uint32_t i, const char *want)
{
	struct scanned s;
	struct buf b;

	scan(&s, text, strlen(text), levels, JSON_LAST);
	assert_int_equal(s.rc, 0);
	buf_init(&b, 1 << 20);
	json_put_compact(&b, &s.j, i);
	is_buf(&b, want, strlen(want));
	scanned_free(&s);
}

static void
test_white_space_is_removed(void **state)
{
	is_compact(" 1 ", 0, 0, "1");
	is_compact("\n\"a b\"\t", 0, 0, "\"a b\"");
	is_compact(" { } ", 0, 0, "{}");
	is_compact("{\"a\":1,\"b\":[1.0,2E5]}", 0, 0,
	    "{\"a\":1,\"b\":[1.0,2E5]}");
	is_compact("{ \"a b\" :\t1 ,\r\n\"c\\\" \\\\\" : [ 1.0 , 2E5 ] }", 0, 0,
	    "{\"a b\":1,\"c\\\" \\\\\":[1.0,2E5]}");
	is_compact("[ \"\\u0020 \\\\\" , \" \\\" \" , \"\xc3\xa9 \\/\" ]", 0, 0,
	    "[\"\\u0020 \\\\\",\" \\\" \",\"\xc3\xa9 \\/\"]");
	is_compact("[ 0 , { \"a\" : [ 1 ] } ]", 1, 2, "{\"a\":[1]}");
	is_compact("[ 0 , { \"a\" : [ 1 ] } ]", 1, 1, "0");
	is_compact("[ true , false,null ]", 1, 0, "[true,false,null]");
	is_compact("[ \"1234567\", \"12345678\", \"123456789 \" ]", 1, 0,
	    "[\"1234567\",\"12345678\",\"123456789 \"]");
	is_compact("[ \"\", \"\\\\\", \"\\\\\\\"\", \"a \\\" b\" ]", 1, 0,
	    "[\"\",\"\\\\\",\"\\\\\\\"\",\"a \\\" b\"]");
}

/* White space does not count: only what is written must fit. */
static void
test_white_space_needs_no_room(void **state)
{
	struct json j = { 0 };
	struct json_fault f;
	struct buf b;
	struct err e;

	assert_int_equal(json_scan(&j, TEXT("[ 1 , \" a\" ]"),
	    JSON_LEVELS_ALL, JSON_UNIQUE, &f), 0);
	buf_init(&b, 9);
	buf_char(&b, '>');
	json_put_compact(&b, &j, 0);
	is_buf(&b, TEXT(">[1,\" a\"]"));
	buf_init(&b, 7);
	json_put_compact(&b, &j, 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_check(&b, &e), -1);
	assert_int_equal(e.code, ERR_DATA);
	buf_release(&b);
	json_release(&j);
}

static void
is_unescaped(const char *text, const char *want, size_t n)
{
	struct scanned s;
	struct buf b;

	scan(&s, text, strlen(text), 0, JSON_LAST);
	assert_int_equal(s.rc, 0);
	buf_init(&b, 1 << 20);
	json_unescape(&b, &s.j, 0);
	is_buf(&b, want, n);
	scanned_free(&s);
}

static void
test_escapes_are_decoded(void **state)
{
	is_unescaped("\"\"", TEXT(""));
	is_unescaped("\"abc\"", TEXT("abc"));
	is_unescaped("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT("\"\\/\b\f\n\r\t"));
	is_unescaped("\"a\\u0041\\u00e9\\u20AC!\"",
	    TEXT("aA\xc3\xa9\xe2\x82\xac!"));
	is_unescaped("\"\\uD83D\\uDE00\"", TEXT("\xf0\x9f\x98\x80"));
	is_unescaped("\"\\udbff\\udfff\"", TEXT("\xf4\x8f\xbf\xbf"));
	is_unescaped("\"\\u0000\"", TEXT("\0"));
	is_unescaped("\"\\ud800\"", TEXT("\xef\xbf\xbd"));
	is_unescaped("\"\\udfff\"", TEXT("\xef\xbf\xbd"));
	is_unescaped("\"\\u0041\\udc00\"", TEXT("A\xef\xbf\xbd"));
	is_unescaped("\"\\udc00\\udc00\"",
	    TEXT("\xef\xbf\xbd\xef\xbf\xbd"));
	is_unescaped("\"\\ud800x\\udc00\"",
	    TEXT("\xef\xbf\xbdx\xef\xbf\xbd"));
	is_unescaped("\"\\ud800\\ud83d\\ude00\"",
	    TEXT("\xef\xbf\xbd\xf0\x9f\x98\x80"));
	is_unescaped("\"\\ud800\\ue000\"",
	    TEXT("\xef\xbf\xbd\xee\x80\x80"));
	is_unescaped("\"\\\\u0041\"", TEXT("\\u0041"));
	is_unescaped("\"\\ud800\\\\udc00\"", TEXT("\xef\xbf\xbd\\udc00"));
}

static void
is_found(const struct scanned *s, const char *pointer, const char *want)
{
	uint32_t i = 99;
	bool found = pointer_find(&s->j, pointer, &i);

	assert_true(pointer_is_valid(pointer));
	if (want == NULL) {
		assert_false(found);
		assert_int_equal(i, 0);
		return;
	}
	assert_true(found);
	assert_int_equal(s->j.tok[i].len, strlen(want));
	assert_memory_equal(s->copy + s->j.tok[i].at, want, strlen(want));
}

/* The document of RFC 6901, section 5, and more cases. */
static void
test_pointers_find_values(void **state)
{
	static const char text[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,"
	    "\"a/b\":1,\"c%d\":2,\"k\\\"l\":6,\" \":7,\"m~n\":8,"
	    "\"\\u0066oo2\":{\"10\":[[],{\"x\":null}]},\"a~1\":9}";
	struct scanned s;

	scan(&s, TEXT(text), JSON_LEVELS_ALL, JSON_UNIQUE);
	assert_int_equal(s.rc, 0);
	is_found(&s, "", text);
	is_found(&s, "/foo", "[\"bar\",\"baz\"]");
	is_found(&s, "/foo/0", "\"bar\"");
	is_found(&s, "/foo/1", "\"baz\"");
	is_found(&s, "/", "0");
	is_found(&s, "/a~1b", "1");
	is_found(&s, "/c%d", "2");
	is_found(&s, "/k\"l", "6");
	is_found(&s, "/ ", "7");
	is_found(&s, "/m~0n", "8");
	is_found(&s, "/a~01", "9");
	is_found(&s, "/foo2/10/1/x", "null");
	is_found(&s, "/foo/2", NULL);
	is_found(&s, "/foo/-", NULL);
	is_found(&s, "/foo/01", NULL);
	is_found(&s, "/foo/1x", NULL);
	is_found(&s, "/foo/", NULL);
	is_found(&s, "/foo/4294967296", NULL);
	is_found(&s, "/foo/00000000000", NULL);
	is_found(&s, "/foo/18446744073709551616", NULL);
	is_found(&s, "/foo/0/x", NULL);
	is_found(&s, "/foo/0/", NULL);
	is_found(&s, "/bar", NULL);
	is_found(&s, "/m~0", NULL);
	is_found(&s, "/m~0nn", NULL);
	is_found(&s, "/foo2/10/0/0", NULL);
	scanned_free(&s);
}

static void
test_pointers_are_written(void **state)
{
	struct buf b;

	assert_false(pointer_is_valid("a"));
	assert_false(pointer_is_valid("/~"));
	assert_false(pointer_is_valid("/~2"));
	assert_true(pointer_is_valid("/~0~1"));
	assert_int_equal(pointer_count(""), 0);
	assert_int_equal(pointer_count("/"), 1);
	assert_int_equal(pointer_count("/a/~1/"), 3);
	buf_init(&b, 100);
	pointer_put_part(&b, TEXT("a/~b"));
	pointer_put_part(&b, TEXT(""));
	is_buf(&b, TEXT("/a~1~0b/"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings_are_written_as_in_jq),
		cmocka_unit_test(test_escapes_at_each_place),
		cmocka_unit_test(test_members_are_written),
		cmocka_unit_test(
		    test_close_and_distant_escapes_are_written_and_read),
		cmocka_unit_test(test_the_first_member_has_no_comma),
		cmocka_unit_test(test_a_full_buffer_is_an_error),
		cmocka_unit_test(test_white_space_is_removed),
		cmocka_unit_test(test_white_space_needs_no_room),
		cmocka_unit_test(test_escapes_are_decoded),
		cmocka_unit_test(test_pointers_find_values),
		cmocka_unit_test(test_pointers_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
