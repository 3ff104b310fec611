/* Texts that are invalid JSON by RFC 8259, in the groups of the well-known test
 * suites: the scanner refuses each one with the right code. */
#include "json_help.h"
#include "json_oracle.h"

static const struct {
	const char *text;
	size_t len;
} parse[] = {
	/* no text, or no JSON value */
	{ TEXT("") }, { TEXT(" ") }, { TEXT("\n\r\t ") }, { TEXT("\0") },
	{ TEXT(",") }, { TEXT(":") }, { TEXT("*") }, { TEXT("#") },
	{ TEXT("<a>") }, { TEXT("//") }, { TEXT("/* */ 1") },
	{ TEXT("# a\n1") }, { TEXT("<?xml version=\"1.0\"?>") },
	{ TEXT("\xef\xbb\xbf") }, { TEXT("\xef\xbb\xbf{}") },
	{ TEXT("{}\xef\xbb\xbf") }, { TEXT("\xc2\xa0[]") },
	{ TEXT("[\xe2\x81\xa0]") }, { TEXT("\xe2\x80\xa8[]") },
	{ TEXT("\x0b[]") }, { TEXT("[\f]") }, { TEXT("[]\0") },
	{ TEXT("[]\x1a") }, { TEXT("[\0]") }, { TEXT("{}\x7f") },
	{ TEXT("\0[\0]\0") }, { TEXT("[\0]\0") },       /* UTF-16 */
	{ TEXT("\0\0\0[\0\0\0]") },
	/* words */
	{ TEXT("nul") }, { TEXT("tru") }, { TEXT("fals") }, { TEXT("n") },
	{ TEXT("t") }, { TEXT("f") }, { TEXT("[nul]") }, { TEXT("[tru]") },
	{ TEXT("[fals]") }, { TEXT("[ true, nul") }, { TEXT("[true,fals") },
	{ TEXT("nulll") }, { TEXT("truee") }, { TEXT("falsey") },
	{ TEXT("null1") }, { TEXT("nullnull") }, { TEXT("NULL") },
	{ TEXT("True") }, { TEXT("[False]") }, { TEXT("tRue") },
	{ TEXT("undefined") }, { TEXT("NaN") }, { TEXT("[nan]") },
	{ TEXT("[Infinity]") }, { TEXT("[inf]") }, { TEXT("yes") },
	{ TEXT("abc") }, { TEXT("a\xc3\xa5") }, { TEXT("\xc3\xa5") },
	{ TEXT("{\"a\":truth}") }, { TEXT("[true false]") },
	/* numbers: signs */
	{ TEXT("-") }, { TEXT("+") }, { TEXT("+1") }, { TEXT("[++12]") },
	{ TEXT("--1") }, { TEXT("- 1") }, { TEXT("[-]") }, { TEXT("[-x]") },
	{ TEXT("-a1") }, { TEXT("-Infinity") }, { TEXT("[-NaN]") },
	{ TEXT("+Inf") }, { TEXT("[1+2]") }, { TEXT("[1-2]") },
	{ TEXT("\xe2\x88\x92" "1") }, { TEXT("1-") },
	/* numbers: leading zeros and other bases */
	{ TEXT("01") }, { TEXT("[007]") }, { TEXT("-01") }, { TEXT("[-00]") },
	{ TEXT("00") }, { TEXT("0x1") }, { TEXT("[0x]") }, { TEXT("0b1") },
	{ TEXT("0o7") }, { TEXT("00.5") }, { TEXT("-012.5") },
	/* numbers: fractions */
	{ TEXT(".") }, { TEXT(".5") }, { TEXT("-.5") }, { TEXT("1.") },
	{ TEXT("[-2.]") }, { TEXT("[0.1.2]") }, { TEXT("1..2") },
	{ TEXT("[.-1]") }, { TEXT("1.a") }, { TEXT("1.-5") },
	{ TEXT("1. 5") }, { TEXT("[.2e-3]") }, { TEXT("1,5") },
	{ TEXT("-1.0.") },
	/* numbers: exponents */
	{ TEXT("1e") }, { TEXT("1E") }, { TEXT("1e+") }, { TEXT("1e-") },
	{ TEXT("[0e]") }, { TEXT("[0E+]") }, { TEXT("[0.3e]") },
	{ TEXT("[0.3e+]") }, { TEXT("1.e3") }, { TEXT("[2.e+3]") },
	{ TEXT("[2.e-3]") }, { TEXT("[0.e1]") }, { TEXT("1eE2") },
	{ TEXT("1e+-2") }, { TEXT("1e--2") }, { TEXT("1e1.5") },
	{ TEXT("1e 5") }, { TEXT("[1ea]") }, { TEXT("e5") }, { TEXT("-e5") },
	{ TEXT("1e5e5") },
	/* numbers: bytes after them */
	{ TEXT("1_000") }, { TEXT("1 000") }, { TEXT("12a") },
	{ TEXT("[1.2a-3]") }, { TEXT("[1.5H-8]") }, { TEXT("2@") },
	{ TEXT("123\0") }, { TEXT("1]") }, { TEXT("[-1x]") }, { TEXT("1f") },
	{ TEXT("[\xef\xbc\x91]") }, { TEXT("1\xd9\xa1") }, { TEXT("1L") },
	{ TEXT("9999E9999:") },
	/* strings: ends and quotes */
	{ TEXT("\"") }, { TEXT("\"abc") }, { TEXT("[\"a") },
	{ TEXT("[\"asd]") }, { TEXT("'") }, { TEXT("'a'") },
	{ TEXT("['a']") }, { TEXT("`a`") }, { TEXT("\"a\"x") },
	{ TEXT("\"a\"\"b\"") }, { TEXT("\"\"\"") }, { TEXT("[\xc3\xa9]") },
	{ TEXT("\xe2\x80\x9c" "a\xe2\x80\x9d") }, { TEXT("u\"a\"") },
	/* strings: escapes */
	{ TEXT("\"\\") }, { TEXT("[\"\\\"]") }, { TEXT("[\"\\\\\\\"]") },
	{ TEXT("\"\\a\"") }, { TEXT("\"\\x00\"") }, { TEXT("\"\\'\"") },
	{ TEXT("\"\\0\"") }, { TEXT("\"\\v\"") }, { TEXT("\"\\B\"") },
	{ TEXT("\"\\\0\"") }, { TEXT("\"\\\t\"") }, { TEXT("\"\\\n\"") },
	{ TEXT("\"\\ \"") }, { TEXT("\"\\\xf0\x9f\x8c\x80\"") },
	{ TEXT("\"\\u\"") }, { TEXT("\"\\u0\"") }, { TEXT("\"\\u00\"") },
	{ TEXT("\"\\u00A\"") }, { TEXT("\"\\u00G0\"") },
	{ TEXT("\"\\u+001\"") }, { TEXT("\"\\u 001\"") },
	{ TEXT("\"\\u0x1F\"") }, { TEXT("\"\\uqqqq\"") },
	{ TEXT("\"\\U0041\"") }, { TEXT("\"\\u{41}\"") },
	{ TEXT("\"\\u004") }, { TEXT("\"\\u\"0041") },
	{ TEXT("\"\\ud800\\\"") }, { TEXT("\"\\ud800\\u\"") },
	{ TEXT("\"\\ud800\\u1\"") }, { TEXT("\"\\ud800\\u1x\"") },
	{ TEXT("\"\\ud834\\udd\"") }, { TEXT("\"\\ud800\\ud800\\x\"") },
	{ TEXT("\"\\u00:0\"") }, { TEXT("\"\\u00@0\"") },
	{ TEXT("\"\\u00`0\"") }, { TEXT("\"\\u00/0\"") },
	{ TEXT("[\\n]") }, { TEXT("[\\u0020\"a\"]") }, { TEXT("\\u0022a\"") },
	/* strings: raw control characters */
	{ TEXT("\"\0\"") }, { TEXT("[\"a\0a\"]") }, { TEXT("\"\x01\"") },
	{ TEXT("\"\t\"") }, { TEXT("\"\n\"") }, { TEXT("\"\r\"") },
	{ TEXT("\"\b\"") }, { TEXT("\"abcdefg\x1fhijk\"") },
	{ TEXT("{\"new\nline\":1}") },
	/* arrays */
	{ TEXT("[") }, { TEXT("]") }, { TEXT("[1") }, { TEXT("[1,") },
	{ TEXT("[\"\"") }, { TEXT("[,]") }, { TEXT("[,1]") },
	{ TEXT("[1,]") }, { TEXT("[1,,2]") }, { TEXT("[1,,]") },
	{ TEXT("[ , 1]") }, { TEXT("[1 2]") }, { TEXT("[1 true]") },
	{ TEXT("[1;2]") }, { TEXT("[1:2]") }, { TEXT("[\"\":1]") },
	{ TEXT("[3[4]]") }, { TEXT("[1]]") }, { TEXT("[1],") },
	{ TEXT("[][]") }, { TEXT("[1]x") }, { TEXT("[1}") },
	{ TEXT("[{}") }, { TEXT("[[]") }, { TEXT("[a") }, { TEXT("[*]") },
	{ TEXT("[<null>]") }, { TEXT("(1)") }, { TEXT("[1,\n1\n,1") },
	{ TEXT("[...]") }, { TEXT("[1 /* one */]") }, { TEXT("['") },
	{ TEXT("[\"\x0b" "a\"\f]") }, { TEXT("[{\"\":[{\"\":") },
	/* objects */
	{ TEXT("{") }, { TEXT("}") }, { TEXT("{}}") }, { TEXT("{]") },
	{ TEXT("{,") }, { TEXT("{[") }, { TEXT("{\"") }, { TEXT("{\"a") },
	{ TEXT("{\"a\"") }, { TEXT("{\"a\":") }, { TEXT("{\"a\":1") },
	{ TEXT("{\"a\":1,") }, { TEXT("{\"a\":\"a") }, { TEXT("{'a'") },
	{ TEXT("{'a':0}") }, { TEXT("{a:0}") }, { TEXT("{1:1}") },
	{ TEXT("{null:1}") }, { TEXT("{[]:1}") }, { TEXT("{[: 1}") },
	{ TEXT("{:1}") }, { TEXT("{\"a\"}") }, { TEXT("{\"a\":}") },
	{ TEXT("{\"a\",1}") }, { TEXT("{\"a\"::1}") }, { TEXT("{\"a\" 1}") },
	{ TEXT("{\"a\"=1}") }, { TEXT("{\"a\"=>1}") }, { TEXT("{\"a\" b}") },
	{ TEXT("{\"a\":1,}") }, { TEXT("{\"a\":1,,}") },
	{ TEXT("{\"a\":1,,\"b\":2}") }, { TEXT("{,\"a\":1}") },
	{ TEXT("{\"a\":1 \"b\":2}") }, { TEXT("{\"a\":1;\"b\":2}") },
	{ TEXT("{\"a\":1 2}") }, { TEXT("{\"a\":1]") }, { TEXT("{\"a\":[}") },
	{ TEXT("{\"a\":1,\"b\"}") }, { TEXT("{\"a\":1,2}") },
	{ TEXT("{\"a\":1}#") }, { TEXT("{\"a\":1}/**/") },
	{ TEXT("{\"a\":1}//") }, { TEXT("{\"a\":/**/1}") },
	{ TEXT("{\"a\":1} \"x\"") }, { TEXT("{\"a\":1}{\"b\":2}") },
	{ TEXT("{\"a\":1}\n{\"b\":2}") }, { TEXT("{\"x\":true,") },
	{ TEXT("{\xf0\x9f\x87\xa8}") }, { TEXT("{\"a\":b\"c\"}") },
};

static const struct {
	const char *text;
	size_t len;
	size_t at;
} encoding[] = {
	/* bytes that never occur in UTF-8 */
	{ TEXT("\"\xff\""), 1 }, { TEXT("\"\xfe\""), 1 },
	{ TEXT("\"\xc0\xaf\""), 1 }, { TEXT("\"\xc1\xbf\""), 1 },
	{ TEXT("\"\xf5\x80\x80\x80\""), 1 },
	{ TEXT("\"\xf8\x88\x80\x80\x80\""), 1 },
	/* cut sequences */
	{ TEXT("\"\xc3\""), 1 }, { TEXT("\"\xe2\x82\""), 1 },
	{ TEXT("\"\xf0\x9f\x98\""), 1 }, { TEXT("\"a\xe5"), 2 },
	{ TEXT("\"abcdefgh\xf0\x9f"), 9 }, { TEXT("\"\xe2\x28\xa1\""), 1 },
	/* continuation without a start */
	{ TEXT("\"\x80\""), 1 }, { TEXT("\"\xbf\""), 1 },
	{ TEXT("\"\xc3\xa9\xa9\""), 3 },
	/* overlong forms */
	{ TEXT("\"\xe0\x80\xaf\""), 1 }, { TEXT("\"\xe0\x9f\xbf\""), 1 },
	{ TEXT("\"\xf0\x80\x80\xaf\""), 1 },
	{ TEXT("\"\xf0\x8f\xbf\xbf\""), 1 }, { TEXT("\"\xc0\x80\""), 1 },
	/* surrogates, and past U+10FFFF */
	{ TEXT("\"\xed\xa0\x80\""), 1 }, { TEXT("\"\xed\xbf\xbf\""), 1 },
	{ TEXT("\"\xed\xa0\xbd\xed\xb8\x80\""), 1 },
	{ TEXT("\"\xf4\x90\x80\x80\""), 1 },
	/* in names, after escapes, outside strings */
	{ TEXT("{\"\xb9\":\"0\",}"), 2 }, { TEXT("[\"\\n\xe5\"]"), 4 },
	{ TEXT("\"\\\xe5\""), 2 }, { TEXT("[a\xe5]"), SIZE_MAX },
	{ TEXT("[\xff]"), 1 }, { TEXT("[0\xe5]"), 2 },
	{ TEXT("[1e1\xe5]"), 4 }, { TEXT("\xe9"), 0 },
	{ TEXT("\xef\xbb{}"), 0 }, { TEXT("\xff\xfe[\0]\0"), 0 },
	{ TEXT("[1e\xe5]"), 3 }, { TEXT("tr\xff"), 2 },
};

static void
test_invalid_json_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(parse) / sizeof(parse[0]); i++) {
		struct scanned s;

		scan(&s, parse[i].text, parse[i].len,
		    JSON_LEVELS_ALL, JSON_UNIQUE);
		if (s.rc == 0 || strcmp(s.f.code, "parse") != 0)
			fail_msg("%zu: %s", i, parse[i].text);
		assert_false(oracle_valid(parse[i].text, parse[i].len));
		scanned_free(&s);
	}
}

static void
test_invalid_utf8_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(encoding) / sizeof(encoding[0]); i++) {
		struct scanned s;

		scan(&s, encoding[i].text, encoding[i].len,
		    JSON_LEVELS_ALL, JSON_UNIQUE);
		assert_int_equal(s.rc, -1);
		if (encoding[i].at != SIZE_MAX) {
			assert_string_equal(s.f.code, "encoding");
			assert_int_equal(s.f.at, encoding[i].at);
		}
		assert_false(oracle_valid(encoding[i].text, encoding[i].len));
		scanned_free(&s);
	}
}

/* An error is found even in a level whose tokens are not kept. */
static void
test_errors_below_kept_levels_are_found(void **state)
{
	for (size_t i = 0; i < sizeof(parse) / sizeof(parse[0]); i++)
		for (unsigned int levels = 0; levels < 3; levels++) {
			struct scanned s;

			scan(&s, parse[i].text, parse[i].len,
			    levels, JSON_LAST);
			assert_int_equal(s.rc, -1);
			scanned_free(&s);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid_json_is_refused),
		cmocka_unit_test(test_invalid_utf8_is_refused),
		cmocka_unit_test(test_errors_below_kept_levels_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
