/* Tests of numbers: printed as jq 1.6 prints them, read as by strtod(3). */
#include "json_help.h"

#include "base/buf.h"
#include "json/number.h"

#include <math.h>
#include <stdio.h>

/* The output of jq 1.6 -c for each text. */
static const char *const jq[][2] = {
	{ "0", "0" }, { "-0", "-0" }, { "1", "1" }, { "-1", "-1" },
	{ "0.1", "0.1" }, { "0.5", "0.5" }, { "1.5", "1.5" },
	{ "100", "100" }, { "1e5", "100000" }, { "123456789", "123456789" },
	{ "9007199254740991", "9007199254740991" },
	{ "9007199254740993", "9007199254740992" },
	{ "9007199254740994", "9007199254740994" },
	{ "1e15", "1000000000000000" }, { "1e16", "1e+16" },
	{ "12e15", "12000000000000000" }, { "12e16", "1.2e+17" },
	{ "123e15", "123000000000000000" }, { "1e17", "1e+17" },
	{ "1e23", "1e+23" }, { "1e100", "1e+100" }, { "1e-100", "1e-100" },
	{ "0.001", "0.001" }, { "0.0001", "0.0001" },
	{ "0.00012", "0.00012" }, { "0.00001", "1e-05" },
	{ "0.000012", "1.2e-05" }, { "2.0005e-3", "0.0020005" },
	{ "1e-7", "1e-07" }, { "1.5e-7", "1.5e-07" },
	{ "-1.5e-300", "-1.5e-300" }, { "5e-324", "5e-324" },
	{ "2.2250738585072014e-308", "2.2250738585072014e-308" },
	{ "2.225073858507201e-308", "2.225073858507201e-308" },
	{ "1.7976931348623157e308", "1.7976931348623157e+308" },
	{ "1e400", "1.7976931348623157e+308" },
	{ "-1e400", "-1.7976931348623157e+308" },
	{ "5.684341886080802e-14", "5.684341886080802e-14" },
	{ "9.5367431640625e-07", "9.5367431640625e-07" },
	{ "1.2345678901234567e31", "12345678901234567000000000000000" },
	{ "-1.2345678901234567e31", "-12345678901234567000000000000000" },
	{ "1.2345678901234567e32", "1.2345678901234567e+32" },
	{ "18446744073709551615", "18446744073709552000" },
	{ "9.2233720368547758e18", "9223372036854776000" },
	{ "7.2057594037927933e16", "72057594037927940" },
	{ "4503599627370496.5", "4503599627370496" },
	{ "6.02214076e23", "602214076000000000000000" },
	{ "8.41e21", "8.41e+21" }, { "4.35", "4.35" },
	{ "1.0000000000000002", "1.0000000000000002" },
	{ "0.30000000000000004", "0.30000000000000004" },
};

static double
get(const char *text)
{
	return number_to_double(text, strlen(text));
}

static void
put(double d, char out[NUMBER_TEXT + 1])
{
	size_t n = number_put_shortest(out, d);

	assert_true(n > 0 && n <= NUMBER_TEXT);
	out[n] = '\0';
}

static void
test_numbers_print_as_in_jq(void **state)
{
	char out[NUMBER_TEXT + 1];

	for (size_t i = 0; i < sizeof(jq) / sizeof(jq[0]); i++) {
		put(get(jq[i][0]), out);
		assert_string_equal(out, jq[i][1]);
	}
	put((double)NAN, out);
	assert_string_equal(out, "null");
	put((double)-INFINITY, out);
	assert_string_equal(out, "-1.7976931348623157e+308");
}

/* Repeatable random numbers: xorshift64 of G. Marsaglia. */
static uint64_t
noise(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Returns a double: of any size, a short decimal, or near a power of two. */
static double
some_double(uint64_t *x, int kind)
{
	uint64_t bits = noise(x);
	double d;

	switch (kind) {
	case 0:
		return (double)(bits % 1000000) / 1000;
	case 1:
		return (double)(bits >> bits % 64);
	case 2:
		return ldexp(1, (int)(bits % 2098) - 1074);
	case 3:
		d = ldexp(1, (int)(bits % 2098) - 1074);
		memcpy(&bits, &d, sizeof(bits));
		bits += *x & 1 ? UINT64_MAX : 1;
		break;
	case 4:
		bits >>= bits % 64;
		break;
	default:
		break;
	}
	memcpy(&d, &bits, sizeof(d));
	return isfinite(d) ? d : 0;
}

/* Compares two doubles; 0 and -0 are different. */
static bool
equal(double a, double b)
{
	return a == b && !signbit(a) == !signbit(b);
}

static void
is_read(const char *text)
{
	double want = strtod(text, NULL), got = get(text);

	if (!equal(want, got))
		fail_msg("%s: %.17g", text, got);
}

static void
test_printed_numbers_read_back(void **state)
{
	uint64_t x = 88172645463325252U;
	char out[NUMBER_TEXT + 1], text[64];

	for (int i = 0; i < 1000000; i++) {
		double d = some_double(&x, i % 8), back;

		put(d, out);
		back = get(out);
		if (!equal(d, back))
			fail_msg("%.17g: %s", d, out);
		if (i % 4)
			continue;
		(void)snprintf(text, sizeof(text), "%.*g",
		    (int)(noise(&x) % 30) + 1, d);
		is_read(text);
		(void)snprintf(text, sizeof(text), "%.17g", d);
		is_read(text);
	}
}

/* No shorter text reads back, and no text of this length is nearer. */
static void
test_printed_numbers_are_shortest(void **state)
{
	uint64_t x = 362436069;
	char out[NUMBER_TEXT + 1], text[64];
	char digits[NUMBER_TEXT] = "";

	for (int i = 0; i < 100000; i++) {
		double d = fabs(some_double(&x, i % 8));
		size_t n = 0;
		int e;

		if (d == 0 || frexp(d, &e) == 0.5)
			continue;
		put(d, out);
		for (const char *p = out; *p && *p != 'e'; p++)
			if (*p != '.' && (n > 0 || *p != '0'))
				digits[n++] = *p;
		while (n > 1 && digits[n - 1] == '0')
			n--;
		(void)snprintf(text, sizeof(text), "%.*e", (int)n - 1, d);
		if (n > 1)
			memmove(text + 1, text + 2, strlen(text) - 1);
		if (memcmp(text, digits, n) != 0)
			fail_msg("%.17g: %s", d, out);
		if (n == 1)
			continue;
		(void)snprintf(text, sizeof(text), "%.*e", (int)n - 2, d);
		assert_true(strtod(text, NULL) != d);
	}
}

/* Midpoints between two doubles, long texts, ends of the range. */
static void
test_hard_cases_are_read_exactly(void **state)
{
	static const char *const texts[] = {
		"9007199254740993", "9007199254740993.0000000000000000000001",
		"9007199254740992.9999999999999999999999", "1e22", "1e23",
		"18014398509481990", "9223372036854775807", "0.5e-323",
		"2.4703282292062327e-324", "2.4703282292062328e-324",
		"2.47032822920623272088e-324", "4.9e-324", "1e-323", "1e-400",
		"2.2250738585072011e-308", "2.2250738585072012e-308",
		"1.7976931348623157e308", "1.7976931348623158e308",
		"1.7976931348623159e308", "1e309", "1e310", "1e99999999999",
		"1e-99999999999", "0e99999999999999999999", "-0.0e-5",
		"123456789012345678901234567890e-10", "0.000000000000000001",
		"100000000000000000000000000000000000000000000000000e-50",
		"0.00000000000000000000000000000000000000000000001e47",
		"6929495644600919.5", "3.8e-1", "1.00000005", "1E+2", "8e-0",
		"1000000000000000000000000000000000000000000000000001",
		"1.1e00000000000000000000000000000000000000000000000001",
		"99999999999999999999e-20", "7.8459735791271921e65",
	};
	char *text = malloc(4000);
	size_t n;

	assert_non_null(text);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		is_read(texts[i]);
	/* the longest midpoint, and texts just above and below it */
	n = (size_t)snprintf(text, 2000, "%.1075Lf",
	    ldexpl(9007199254740995.0L, -1075));
	is_read(text);
	assert_int_equal(text[n - 1], '5');
	text[n - 1] = '4';
	is_read(text);
	text[n - 1] = '5';
	memset(text + n, '0', 1500);
	memcpy(text + n + 1500, "1", 2);
	is_read(text);
	memset(text, '7', 3000);
	text[1] = '.';
	text[3000] = '\0';
	is_read(text);
	free(text);
}

static void
is_int(const char *text, bool is, int64_t want)
{
	int64_t v;

	if (number_to_int64(text, strlen(text), &v) != is || (is && v != want))
		fail_msg("%s", text);
}

static void
test_integers_are_read(void **state)
{
	is_int("0", true, 0);
	is_int("-0", true, 0);
	is_int("0e99999999999999999999", true, 0);
	is_int("42", true, 42);
	is_int("-7", true, -7);
	is_int("5.0", true, 5);
	is_int("1e3", true, 1000);
	is_int("1E+3", true, 1000);
	is_int("12.50e1", true, 125);
	is_int("5000e-3", true, 5);
	is_int("-0.5e1", true, -5);
	is_int("0.0000001e7", true, 1);
	is_int("9007199254740993", true, 9007199254740993);
	is_int("9223372036854775807", true, INT64_MAX);
	is_int("-9223372036854775808", true, INT64_MIN);
	is_int("9223372036854775807.000", true, INT64_MAX);
	is_int("922337203685477580.7e1", true, INT64_MAX);
	is_int("9223372036854775808", false, 0);
	is_int("-9223372036854775809", false, 0);
	is_int("18446744073709551616", false, 0);
	is_int("99999999999999999999999", false, 0);
	is_int("9223372036854775807.5", false, 0);
	is_int("1e18", true, 1000000000000000000);
	is_int("1e19", false, 0);
	is_int("1e400", false, 0);
	is_int("1e99999999999999999999", false, 0);
	is_int("1e-99999999999999999999", false, 0);
	is_int("5.5", false, 0);
	is_int("1e-1", false, 0);
	is_int("0.1", false, 0);
}

static void
is_same(const char *a, const char *b, bool same)
{
	if (number_equals(a, strlen(a), b, strlen(b)) != same ||
	    number_equals(b, strlen(b), a, strlen(a)) != same)
		fail_msg("%s %s", a, b);
}

static void
test_equal_numbers_are_found(void **state)
{
	is_same("1", "1", true);
	is_same("1", "1.0", true);
	is_same("1", "10e-1", true);
	is_same("100", "1e2", true);
	is_same("1.5e3", "1500.00", true);
	is_same("0.001", "1E-3", true);
	is_same("12.34", "1234e-2", true);
	is_same("0", "-0.0e5", true);
	is_same("100200300", "1.002003e+8", true);
	is_same("12345678901234567890123", "12345678901234567890123.0", true);
	is_same("12345678901234567890123", "12345678901234567890124", false);
	is_same("1e99999999999999999999", "1e99999999999999999999", true);
	is_same("1e99999999999999999999", "1e99999999999999999998", false);
	is_same("1", "1e99999999999999999999", false);
	is_same("1", "-1", false);
	is_same("1", "2", false);
	is_same("1", "10", false);
	is_same("1", "1.01", false);
	is_same("0", "1e-400", false);
	is_same("0.1", "0.10000000000000001", false);
}

/* Two spellings have the same normal form if, and only if, the numbers are
 * equal. Zeros with different signs have different forms. */
static void
is_normal(const char *text, const char *form)
{
	struct buf b;

	buf_init(&b, 1000);
	number_put_normal(&b, text, strlen(text));
	assert_string_equal(buf_text(&b), form);
	buf_release(&b);
}

static void
test_equal_numbers_have_one_normal_form(void **state)
{
	is_normal("1", "1e0");
	is_normal("1.0", "1e0");
	is_normal("10e-1", "1e0");
	is_normal("0.001E+3", "1e0");
	is_normal("-120.50", "-1205e-1");
	is_normal("100", "1e2");
	is_normal("1.5e3", "15e2");
	is_normal("12.34", "1234e-2");
	is_normal("0", "0");
	is_normal("0.00e7", "0");
	is_normal("-0.0", "-0");
	is_normal("1e99999999999999999999", "v1e99999999999999999999");
	is_normal("1e99999999999999999998", "v1e99999999999999999998");
}

static void
is_less(const char *a, const char *b)
{
	if (number_compare(a, strlen(a), b, strlen(b)) >= 0 ||
	    number_compare(b, strlen(b), a, strlen(a)) <= 0 ||
	    number_compare(a, strlen(a), a, strlen(a)) != 0)
		fail_msg("%s %s", a, b);
}

static void
test_numbers_compare(void **state)
{
	is_less("1", "2");
	is_less("-2", "-1");
	is_less("-1", "0");
	is_less("0", "1e-400");
	is_less("-1e-400", "0.0");
	is_less("9", "10");
	is_less("-10", "-9");
	is_less("9.99", "1e1");
	is_less("1.5", "1.50001");
	is_less("-1.50001", "-1.5");
	is_less("0.1", "0.10000000000000001");
	is_less("9007199254740992", "9007199254740993");
	is_less("12345678901234567890123", "12345678901234567890124");
	is_less("1e99999999999999999", "2e99999999999999999");
	is_less("1e-99999999999999999", "1");
	assert_int_equal(number_compare("100", 3, "1.00e2", 6), 0);
	assert_int_equal(number_compare("-0", 2, "0.0", 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_print_as_in_jq),
		cmocka_unit_test(test_printed_numbers_read_back),
		cmocka_unit_test(test_printed_numbers_are_shortest),
		cmocka_unit_test(test_hard_cases_are_read_exactly),
		cmocka_unit_test(test_integers_are_read),
		cmocka_unit_test(test_equal_numbers_are_found),
		cmocka_unit_test(test_equal_numbers_have_one_normal_form),
		cmocka_unit_test(test_numbers_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
