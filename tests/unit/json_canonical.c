/* Tests of canonical JSON: the examples of RFC 8785, and the numbers that a
 * double would round. */
#include "json_help.h"

#include "json/write.h"

/* The examples of sections 3.2.2 and 3.2.3, and numbers of appendix B. The
 * number 333333333.33333329 of section 3.2.2 is left out: a double rounds
 * it. */
static const char *const rfc[][2] = {
	{ "{ \"numbers\": [1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
	  "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\""
	  "\\/\", \"literals\": [null, true, false]}",
	  "{\"literals\":[null,true,false],\"numbers\":[1e+30,4.5,0.002,1e-27],"
	  "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}" },
	{ "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,"
	  "\"\\u0080\":6,\"\\u00f6\":7}",
	  "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
	  "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}" },
	{ "[0,-0,0.0,5e-324,-5e-324,1.7976931348623157e308]",
	  "[0,0,0,5e-324,-5e-324,1.7976931348623157e+308]" },
	{ "[9007199254740992,295147905179352830000,9.999999999999997e22]",
	  "[9007199254740992,295147905179352830000,9.999999999999997e+22]" },
	{ "[1e23,1.0000000000000001e+23,999999999999999700000]",
	  "[1e+23,1.0000000000000001e+23,999999999999999700000]" },
	{ "[999999999999999900000,1000000000000000000000,0.000001]",
	  "[999999999999999900000,1e+21,0.000001]" },
	{ "[9.999999999999997e-7,0.0000009999999999999997,1e-7]",
	  "[9.999999999999997e-7,9.999999999999997e-7,1e-7]" },
	{ "[333333333.3333332,333333333.33333325,333333333.3333334]",
	  "[333333333.3333332,333333333.33333325,333333333.3333334]" },
	{ "[-0.0000033333333333333333,1424953923781206.2]",
	  "[-0.0000033333333333333333,1424953923781206.2]" },
};

static const char *const own[][2] = {
	{ "[1,1.0,1e0,10e-1,0.1E1,0.01e+2]", "[1,1,1,1,1,1]" },
	{ "[100,1e2,0.5,5e-1,123456789012345678901]",
	  "[100,100,0.5,0.5,123456789012345678901]" },
	{ "[9007199254740993,9007199254740992,0.1000000000000000055]",
	  "[9007199254740993,9007199254740992,0.1000000000000000055]" },
	{ "[1e400,10e399,2e400,-1.50e-400]",
	  "[1e+400,1e+400,2e+400,-1.5e-400]" },
	{ "[0e99999999999999999999,-0.00,12300,0.0012300]",
	  "[0,0,12300,0.00123]" },
	{ " [ ] ", "[]" }, { "{ }", "{}" }, { "[[],{}]", "[[],{}]" },
	{ "\"a\\u0000\\u007f\x7f\\b\\f\\t\\u001F\"",
	  "\"a\\u0000\x7f\x7f\\b\\f\\t\\u001f\"" },
	{ "{\"b\":{\"y\":1,\"x\":2},\"ab\":0,\"a\":0,\"\":3}",
	  "{\"\":3,\"a\":0,\"ab\":0,\"b\":{\"x\":2,\"y\":1}}" },
	{ "{\"a\":1,\"\\u0061\":2,\"b\":3,\"a\":4}", "{\"a\":4,\"b\":3}" },
	{ "{\"\xee\x80\x80\":1,\"\xf0\x90\x80\x80\":2,\"\xed\x9f\xbf\":3}",
	  "{\"\xed\x9f\xbf\":3,\"\xf0\x90\x80\x80\":2,\"\xee\x80\x80\":1}" },
};

static void
is_canonical(const char *text, const char *want)
{
	struct scanned s;
	struct buf b;

	scan(&s, text, strlen(text), JSON_LEVELS_ALL, JSON_LAST);
	assert_int_equal(s.rc, 0);
	buf_init(&b, 1 << 20);
	assert_true(json_put_canonical(&b, &s.j, 0));
	assert_string_equal(buf_text(&b), want);
	buf_release(&b);
	scanned_free(&s);
}

static void
test_examples_of_the_rfc(void **state)
{
	for (size_t i = 0; i < sizeof(rfc) / sizeof(rfc[0]); i++)
		is_canonical(rfc[i][0], rfc[i][1]);
}

static void
test_one_text_for_each_value(void **state)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		is_canonical(own[i][0], own[i][1]);
}

/* More members than are sorted without memory of their own. */
static void
test_many_members(void **state)
{
	struct buf text, want;

	buf_init(&text, 1 << 20);
	buf_init(&want, 1 << 20);
	for (int i = 0; i < 1000; i++) {
		buf_printf(&text, "%s\"%03d\":%d", i ? "," : "{", 999 - i, i);
		buf_printf(&want, "%s\"%03d\":%d", i ? "," : "{", i, 999 - i);
	}
	buf_char(&text, '}');
	buf_char(&want, '}');
	is_canonical(buf_text(&text), buf_text(&want));
	buf_release(&text);
	buf_release(&want);
}

static void
test_an_exponent_beyond_18_digits_is_not_exact(void **state)
{
	static const char text[] = "[1e1100000000000000000]";
	struct scanned s;
	struct buf b;

	scan(&s, text, strlen(text), JSON_LEVELS_ALL, JSON_LAST);
	buf_init(&b, 1 << 20);
	assert_false(json_put_canonical(&b, &s.j, 0));
	buf_release(&b);
	scanned_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples_of_the_rfc),
		cmocka_unit_test(test_one_text_for_each_value),
		cmocka_unit_test(test_many_members),
		cmocka_unit_test(
		    test_an_exponent_beyond_18_digits_is_not_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
