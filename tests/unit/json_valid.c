/* Texts that are valid JSON by RFC 8259: the scanner accepts each one with the
 * right tokens.  If a text is cut or changed, the scanner and the grammar in
 * json_oracle.h must agree. */
#include "json_help.h"
#include "json_oracle.h"

static const struct {
	const char *text;
	size_t len;
	unsigned int tokens, flags;
} valid[] = {
	/* words and white space */
	{ TEXT("null"), 1, 0 }, { TEXT("true"), 1, 0 }, { TEXT("false"), 1, 0 },
	{ TEXT(" null"), 1, 0 }, { TEXT("true\n"), 1, 0 },
	{ TEXT("\t\r\n false \t\r\n"), 1, 0 }, { TEXT("[null]"), 2, 0 },
	{ TEXT("[ true , false ]"), 3, JSON_SPACE },
	/* numbers */
	{ TEXT("0"), 1, 0 }, { TEXT("-0"), 1, 0 }, { TEXT("7"), 1, 0 },
	{ TEXT("-1"), 1, 0 }, { TEXT("42"), 1, 0 }, { TEXT("[10]"), 2, 0 },
	{ TEXT("1234567890"), 1, 0 }, { TEXT("9007199254740993"), 1, 0 },
	{ TEXT("-9223372036854775809"), 1, 0 },
	{ TEXT("123456789012345678901234567890"), 1, 0 },
	{ TEXT("0.0"), 1, JSON_FRACTION }, { TEXT("-0.0"), 1, JSON_FRACTION },
	{ TEXT("0.5"), 1, JSON_FRACTION }, { TEXT("-1.25"), 1, JSON_FRACTION },
	{ TEXT("1.000"), 1, JSON_FRACTION }, { TEXT("0e0"), 1, JSON_FRACTION },
	{ TEXT("0e+1"), 1, JSON_FRACTION }, { TEXT("1E5"), 1, JSON_FRACTION },
	{ TEXT("1e-05"), 1, JSON_FRACTION },
	{ TEXT("1E+2"), 1, JSON_FRACTION }, { TEXT("1E-2"), 1, JSON_FRACTION },
	{ TEXT("1.5e10"), 1, JSON_FRACTION },
	{ TEXT("-0.1234567890123456789e-17"), 1, JSON_FRACTION },
	{ TEXT("1e400"), 1, JSON_FRACTION },
	{ TEXT("-1e-99999999999999999999"), 1, JSON_FRACTION },
	{ TEXT("0.4e00669999999999999999999969999999006"), 1, JSON_FRACTION },
	{ TEXT("[1,2.0,-3e1]"), 4, JSON_FRACTION },
	/* strings */
	{ TEXT("\"\""), 1, 0 }, { TEXT("\"a\""), 1, 0 },
	{ TEXT("\" \""), 1, 0 }, { TEXT("\"abcdefg\""), 1, 0 },
	{ TEXT("\"abcdefgh\""), 1, 0 }, { TEXT("\"abcdefghi\""), 1, 0 },
	{ TEXT("\"\x7f\""), 1, 0 }, { TEXT("\"'\""), 1, 0 },
	{ TEXT("\"/* no */ // comment #\""), 1, 0 },
	{ TEXT("\"[1,{]}:,\""), 1, 0 }, { TEXT("\"0x1 NaN\""), 1, 0 },
	/* strings: escapes */
	{ TEXT("\"\\\"\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\\\\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\/\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\b\\f\\n\\r\\t\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\\\\\\"\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\\\a\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\\\n\""), 1, JSON_ESCAPED },
	{ TEXT("\"a\\u0041\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\u00e9\\u00E9\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\u0022\\u005C\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\u001f\\u007F\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\u2028\\uFEFF\\uffff\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\uD83D\\uDE00\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\ud800\\udc00\\udbff\\udfff\""), 1, JSON_ESCAPED },
	{ TEXT("\"\\u0000\""), 1, JSON_ESCAPED | JSON_NUL },
	{ TEXT("\"a\\u0000b\""), 1, JSON_ESCAPED | JSON_NUL },
	{ TEXT("\"\\\\u0000\""), 1, JSON_ESCAPED },
	/* strings: lone surrogates */
	{ TEXT("\"\\ud800\""), 1, JSON_ESCAPED | JSON_LONE },
	{ TEXT("\"\\udc00\""), 1, JSON_ESCAPED | JSON_LONE },
	{ TEXT("\"\\udbffx\""), 1, JSON_ESCAPED | JSON_LONE },
	{ TEXT("\"\\ud800\\n\""), 1, JSON_ESCAPED | JSON_LONE },
	{ TEXT("\"\\ud800\\u0041\""), 1, JSON_ESCAPED | JSON_LONE },
	{ TEXT("\"\\ud800\\ud800\\udc00\""), 1, JSON_ESCAPED | JSON_LONE },
	{ TEXT("\"\\ude00\\ud83d\""), 1, JSON_ESCAPED | JSON_LONE },
	{ TEXT("\"\\ud7ff\\ue000\""), 1, JSON_ESCAPED },
	/* strings: UTF-8 at the ends of its ranges */
	{ TEXT("\"\xc2\x80\""), 1, 0 }, { TEXT("\"\xdf\xbf\""), 1, 0 },
	{ TEXT("\"\xe0\xa0\x80\""), 1, 0 }, { TEXT("\"\xed\x9f\xbf\""), 1, 0 },
	{ TEXT("\"\xee\x80\x80\""), 1, 0 }, { TEXT("\"\xef\xbf\xbf\""), 1, 0 },
	{ TEXT("\"\xf0\x90\x80\x80\""), 1, 0 },
	{ TEXT("\"\xf4\x8f\xbf\xbf\""), 1, 0 },
	{ TEXT("\"\xef\xbb\xbf\""), 1, 0 }, { TEXT("\"\xe2\x80\xa8\""), 1, 0 },
	{ TEXT("\"abcdef\xc3\xa9gh\xe2\x82\xac\""), 1, 0 },
	/* arrays */
	{ TEXT("[]"), 1, 0 }, { TEXT("[ ]"), 1, JSON_SPACE },
	{ TEXT("[1]"), 2, 0 }, { TEXT("[1,2]"), 3, 0 },
	{ TEXT("[[]]"), 2, 0 }, { TEXT("[[],[[]],{}]"), 5, 0 },
	{ TEXT("[\"a\",1,null,{}]"), 5, 0 },
	{ TEXT(" [1 ,\n2]\n"), 3, JSON_SPACE },
	{ TEXT("[[[[1]]]]"), 5, 0 }, { TEXT("[{},[]]"), 3, 0 },
	/* objects */
	{ TEXT("{}"), 1, 0 }, { TEXT("{ }"), 1, JSON_SPACE },
	{ TEXT("{\"a\":1}"), 3, 0 }, { TEXT("{\"\":0}"), 3, 0 },
	{ TEXT("{\"a\":1,\"b\":2}"), 5, 0 },
	{ TEXT("{\"a\":1,\"A\":2}"), 5, 0 },
	{ TEXT("{\"a\":{\"a\":{\"a\":1}}}"), 7, 0 },
	{ TEXT("{\"a\":[],\"b\":{}}"), 5, 0 },
	{ TEXT("{ \"a\" : 1 , \"b\" : 2 }"), 5, JSON_SPACE },
	{ TEXT("{\"a\\\"b\":1}"), 3, JSON_ESCAPED },
	{ TEXT("{\"\\u0000\":1}"), 3, JSON_ESCAPED | JSON_NUL },
	{ TEXT("{\"\\ud800\":1,\"\\ud801\":2}"), 5, JSON_ESCAPED | JSON_LONE },
	{ TEXT("{\"\xd0\xb8\xd0\xbc\xd1\x8f\":\"x\"}"), 3, 0 },
	{ TEXT("{\"a\":-0.5e+10}"), 3, JSON_FRACTION },
	{ TEXT("[{\"id\":1,\"t\":\"x\"},{\"id\":2,\"t\":\"y\"}]"), 11, 0 },
};

static void
test_valid_json_is_accepted(void **state)
{
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		struct scanned s;

		scan(&s, valid[i].text, valid[i].len,
		    JSON_LEVELS_ALL, JSON_UNIQUE);
		if (s.rc != 0 || s.j.n != valid[i].tokens ||
		    s.j.flags != valid[i].flags)
			fail_msg("%s: %u tokens, flags %u", valid[i].text,
			    s.j.n, s.j.flags);
		assert_true(oracle_valid(valid[i].text, valid[i].len));
		scanned_free(&s);
	}
}

/* Scanner and grammar must agree.  The grammar ignores duplicate names. */
static void
judge(const char *text, size_t n)
{
	struct scanned s;

	scan(&s, text, n, JSON_LEVELS_ALL, JSON_LAST);
	if ((s.rc == 0) != oracle_valid(text, n))
		fail_msg("%.*s", (int)n, text);
	scanned_free(&s);
}

static void
test_truncated_json_as_the_grammar(void **state)
{
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		for (size_t n = 0; n < valid[i].len; n++) {
			judge(valid[i].text, n);
			if (strchr("[{\"", valid[i].text[0]) == NULL)
				continue;
			struct scanned s;

			scan(&s, valid[i].text, n, 0, JSON_LAST);
			assert_int_equal(s.rc, -1);
			assert_string_equal(s.f.code,
			    s.f.code[0] == 'e' ? "encoding" : "parse");
			scanned_free(&s);
		}
}

/* Replaces each byte of each text by each other byte. */
static void
test_changed_bytes_as_the_grammar(void **state)
{
	char text[64];

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		assert_true(valid[i].len <= sizeof(text));
		memcpy(text, valid[i].text, valid[i].len);
		for (size_t n = 0; n < valid[i].len; n++) {
			for (int c = 0; c < 256; c++) {
				text[n] = (char)c;
				judge(text, valid[i].len);
			}
			text[n] = valid[i].text[n];
		}
	}
}

/* Inserts two bytes at each place, chosen from those with a meaning in JSON. */
static void
test_inserted_bytes_as_the_grammar(void **state)
{
	static const char some[] = "[]{},:\"\\u01-.eE \n\xc3\xa9\xed";
	char text[66];

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		for (size_t n = 0; n <= valid[i].len; n++) {
			memcpy(text, valid[i].text, n);
			memcpy(text + n + 2, valid[i].text + n,
			    valid[i].len - n);
			for (const char *p = some; *p; p++)
				for (const char *q = some; *q; q++) {
					text[n] = *p;
					text[n + 1] = *q;
					judge(text, valid[i].len + 2);
				}
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_json_is_accepted),
		cmocka_unit_test(test_truncated_json_as_the_grammar),
		cmocka_unit_test(test_changed_bytes_as_the_grammar),
		cmocka_unit_test(test_inserted_bytes_as_the_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
