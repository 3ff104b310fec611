/* Tests of cursor values: their kinds, their order, and --lookback. */
#include "src/etl-extract/cursor/cursor_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
test_kinds_of_cursor_values(void **state)
{
	static const char *const times[] = {
		"2026-05-30T12:00:00Z", "2026-05-30t12:00:00z",
		"2026-05-30 12:00:00+02:00", "2026-05-30T12:00:00.5-00:00",
		"0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999999Z",
		"2024-02-29T00:00:00Z", "2016-12-31T23:59:60Z",
		"2017-01-01T05:29:60.25+05:30",
	};
	static const char *const numbers[] = {
		"0", "-0", "17", "-1.5", "1e3", "1E-3", "0.25e+17",
		"123456789012345678901234567890", "1e99999999999999999",
	};
	static const char *const texts[] = {
		"", "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x1", "1 ",
		"NaN", "1e999999999999999999", "yesterday", "2026-05-30",
		"2026-05-30T12:00:00", "2026-05-30T12:00Z",
		"2026-05-30T12:00:00.Z", "2026-05-30T12:00:00+0200",
		"2026-05-30T12:00:00+02:00 ", "2026-05-30T12:00:00+24:00",
		"2026-05-30T12:00:00+02:60", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z", "2026-05-32T00:00:00Z",
		"2026-05-00T00:00:00Z", "2026-05-30T24:00:00Z",
		"2026-05-30T12:60:00Z", "2026-05-30T12:00:61Z",
		"2026-05-30T12:00:60Z", "2016-12-31T23:59:60+01:00",
		"2026-05-30X12:00:00Z", "12026-05-30T12:00:00Z",
	};

	char shown[VALUE_SHOWN], long_text[1000];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (value_kind(times[i], strlen(times[i])) != VALUE_TIME)
			fail_msg("%s: no time", times[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (value_kind(numbers[i], strlen(numbers[i])) != VALUE_NUMBER)
			fail_msg("%s: no number", numbers[i]);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (value_kind(texts[i], strlen(texts[i])) != VALUE_TEXT)
			fail_msg("%s: no text", texts[i]);
	assert_string_equal(value_kind_name(VALUE_TIME), "a time");
	assert_string_equal(value_kind_name(VALUE_NUMBER), "a number");
	assert_string_equal(value_kind_name(VALUE_TEXT), "a string");
	assert_string_equal(value_kind_name(VALUE_NONE), "nothing");
	assert_string_equal(value_show(shown, "a\x1b\n\xff", 4),
	    "a\\u001b\\n\\xff");
	memset(long_text, 7, sizeof(long_text));
	assert_int_equal(strlen(value_show(shown, long_text,
	    sizeof(long_text))), 6 * 64);
}

static void
is_less(enum value_kind k, const char *a, const char *b)
{
	if (value_compare(k, a, strlen(a), b, strlen(b)) >= 0 ||
	    value_compare(k, b, strlen(b), a, strlen(a)) <= 0)
		fail_msg("%s %s", a, b);
}

static void
is_same(enum value_kind k, const char *a, const char *b)
{
	if (value_compare(k, a, strlen(a), b, strlen(b)) != 0 ||
	    value_compare(k, b, strlen(b), a, strlen(a)) != 0)
		fail_msg("%s %s", a, b);
}

static void
test_cursor_values_compare(void **state)
{
	is_less(VALUE_NUMBER, "9007199254740992", "9007199254740993");
	is_less(VALUE_NUMBER, "9", "10");
	is_same(VALUE_NUMBER, "1e2", "100.0");
	is_less(VALUE_TEXT, "10", "9");
	is_less(VALUE_TEXT, "a", "ab");
	is_less(VALUE_TEXT, "", "a");
	is_less(VALUE_TEXT, "z", "\xc3\xa9");
	is_same(VALUE_TEXT, "a", "a");
	is_same(VALUE_TIME, "2026-05-30T12:00:00Z",
	    "2026-05-30T14:00:00.000+02:00");
	is_same(VALUE_TIME, "2026-05-30T23:30:00-02:00",
	    "2026-05-31T01:30:00z");
	is_less(VALUE_TIME, "2026-05-30T13:00:00+02:00",
	    "2026-05-30T12:00:00Z");
	is_less(VALUE_TIME, "2026-05-30T12:00:00Z",
	    "2026-05-30T12:00:00.0000000000000000001Z");
	is_less(VALUE_TIME, "2026-05-30T12:00:00.09Z",
	    "2026-05-30T12:00:00.1Z");
	is_less(VALUE_TIME, "2016-12-31T23:59:59.999Z",
	    "2016-12-31T23:59:60Z");
	is_less(VALUE_TIME, "2016-12-31T23:59:60.999Z",
	    "2017-01-01T00:00:00Z");
	is_less(VALUE_TIME, "0000-12-31T23:59:59Z", "0001-01-01T00:00:00Z");
	is_less(VALUE_TIME, "1969-12-31T23:59:59.5Z",
	    "1970-01-01T00:00:00Z");
}

static void
is_back(const char *wanted, const char *text, const char *by)
{
	struct lookback s = { 0 };
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 256);
	if (lookback_parse(&s, by) == -1 ||
	    value_look_back(&b, text, &s, &e) == -1)
		fail_msg("%s - %s: %s", text, by, e.msg);
	assert_string_equal(buf_text(&b), wanted);
	buf_release(&b);
}

static void
is_no_back(const char *text, const char *by)
{
	struct lookback s = { 0 };
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 256);
	assert_int_equal(lookback_parse(&s, by), 0);
	if (value_look_back(&b, text, &s, &e) == 0)
		fail_msg("%s - %s: %s", text, by, buf_text(&b));
	assert_int_equal(e.code, ERR_CONFIG);
	buf_release(&b);
}

static void
test_lookback_subtracts(void **state)
{
	struct lookback s;

	is_back("2026-05-30T11:59:30Z", "2026-05-30T12:00:00Z", "30s");
	is_back("2026-05-30T11:59:59.25+02:00",
	    "2026-05-30T12:00:00.25+02:00", "1ms");
	is_back("2024-02-29 00:00:00Z", "2024-03-01 00:00:00Z", "1d");
	is_back("2023-02-28t00:00:00z", "2023-03-01t00:00:00z", "24h");
	is_back("1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "1s");
	is_back("2025-12-31T23:30:00-05:00", "2026-01-01T00:30:00-05:00",
	    "1h");
	is_back("2016-12-31T23:59:58Z", "2016-12-31T23:59:60Z", "1s");
	is_back("0000-01-01T00:00:00Z", "0000-01-02T12:00:00Z", "90d");
	is_back("1900-02-28T00:00:00Z", "1900-03-01T00:00:00Z", "1d");
	is_back("2026-05-30T12:00:00Z", "2026-05-30T12:00:00Z", "0s");
	is_back("2026-05-30T11:59:30", "2026-05-30T12:00:00", "30s");
	is_back("2026-05-30 11:59:59.25", "2026-05-30 12:00:00.25", "1ms");
	is_back("2024-02-29", "2024-03-01", "1d");
	is_back("2024-02-29", "2024-03-01", "1s");
	is_back("0000-01-01", "0000-01-02", "90d");
	is_back("2024-03-01", "2024-03-01", "0s");
	is_back("7", "10", "3");
	is_back("10", "10", "0");
	is_back("2026-05-30T12:00:00Z", "2026-05-30T12:00:00Z", "0");
	is_back("-1", "9", "10");
	is_back("9223372036854775806", "9223372036854775807", "1");
	is_no_back("2026-05-30T12:00:00Z", "3");
	is_no_back("10", "3s");
	is_no_back("2026-02-30", "3s");
	is_no_back("2026-05-30T12:00:00", "3");
	is_no_back("2026-05-30T12", "3s");
	is_no_back("2026-05-30T12:00:00 BC", "3s");
	is_no_back("abc", "3s");
	is_no_back("abc", "3");
	is_no_back("abc", "0");
	is_no_back("1.5", "1");
	is_no_back("-9223372036854775808", "1");
	is_no_back("9223372036854775808", "1");
	assert_int_equal(lookback_parse(&s, ""), -1);
	assert_int_equal(lookback_parse(&s, "1.5"), -1);
	assert_int_equal(lookback_parse(&s, "-1"), -1);
	assert_int_equal(lookback_parse(&s, "soon"), -1);
	assert_int_equal(lookback_parse(&s, "1234567890123456789"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_of_cursor_values),
		cmocka_unit_test(test_cursor_values_compare),
		cmocka_unit_test(test_lookback_subtracts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
