/* Tests of lib/base/datetime: each form of a date or time, the ranges, the
 * calendar and the writer. */
#include "base/datetime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ALL = (DATETIME_SECOND_60 << 1) - 1 };

static enum datetime_fault
read_text(struct datetime *d, const char *text, unsigned forms)
{
	return datetime_read(d, text, strlen(text), forms);
}

/* A text of a form is read with the bit of the form, and with no other bits. */
static void
each_form_has_its_bit(void **state)
{
	static const struct { const char *text; unsigned forms; } t[] = {
		{ "2026-01-30T10:15:30Z", 0 },
		{ "2026-01-30 10:15:30.25+02:00", 0 },
		{ "2026-01-30", DATETIME_DATE },
		{ "10:15:30Z", DATETIME_TIME },
		{ "2026-01-30t10:15:30Z", DATETIME_LOWER },
		{ "2026-01-30T10:15:30z", DATETIME_LOWER },
		{ "2026-01-30T10:15Z", DATETIME_MINUTES },
		{ "2026-01-30T10:15.5Z",
		    DATETIME_MINUTES | DATETIME_MINUTE_PARTS },
		{ "2026-01-30T10:15:30,5Z", DATETIME_COMMA },
		{ "2026-01-30T10:15:305Z", DATETIME_NO_POINT },
		{ "2026-01-30T10:15:30.Z", DATETIME_NO_DIGITS },
		{ "2026-01-30T10:15:30", DATETIME_LOCAL },
		{ "2026-01-30T10:15:30+02", DATETIME_SHORT_ZONE },
		{ "2026-01-30T10:15:30-0200", DATETIME_SHORT_ZONE },
		{ "2026-01-30T10:15:30 Z", DATETIME_BLANK_ZONE },
		{ "0000-02-29T10:15:30Z", DATETIME_YEAR_0 },
		{ "2026-01-30T24:00:00.000Z", DATETIME_HOUR_24 },
		{ "2026-01-30T10:15:60Z", DATETIME_SECOND_60 },
		{ "10:15 +02", DATETIME_TIME | DATETIME_MINUTES |
		    DATETIME_BLANK_ZONE | DATETIME_SHORT_ZONE },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t n = strlen(t[i].text);

		assert_true(datetime_fits(t[i].text, n, t[i].forms));
		assert_true(datetime_fits(t[i].text, n, ALL));
		for (unsigned bit = 1; bit < ALL; bit <<= 1)
			if (t[i].forms & bit)
				assert_false(datetime_fits(
				    t[i].text, n, ALL & ~bit));
	}
}

static void
other_texts_are_no_times(void **state)
{
	static const char *const t[] = { "", "2", "2026-01-3", "2026-1-30",
	    "2026-01-30T", "2026-01-30T10", "2026-01-30T10:", "20260130",
	    "2026-01-30T10:15:", "2026-01-30T10:15:3", "2026-01-30x10:15:30Z",
	    "2026-01-30T10:15:30Z ", "2026-01-30T10:15:30ZZ",
	    "2026-01-30T10:15:30+", "2026-01-30T10:15:30+2",
	    "2026-01-30T10:15:30+02:", "2026-01-30T10:15:30+020",
	    "2026-01-30T10:15:30+24:00", "2026-01-30T10:15:30+02:60",
	    " 2026-01-30", "2026-01-30 ", "-026-01-30", "2026-+1-30",
	    "1:15:30", "10:15:30 +", "12026-01-30", "2026-01-30T10:15:30..5Z",
	    "2026-01-30T 1:15:30Z", "2026-01-30T10:15:30  Z" };
	struct datetime d;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(read_text(&d, t[i], ALL), DATETIME_NOT_ONE);
	assert_int_equal(datetime_read(&d, "2026-01-30\0", 11, ALL),
	    DATETIME_NOT_ONE);
}

static void
days_and_times_exist(void **state)
{
	static const struct { const char *text; enum datetime_fault f; } t[] = {
		{ "2024-02-29", DATETIME_OK },
		{ "2023-02-29", DATETIME_NO_DAY },
		{ "1900-02-29", DATETIME_NO_DAY },
		{ "2000-02-29", DATETIME_OK },
		{ "2026-04-31", DATETIME_NO_DAY },
		{ "2026-00-10", DATETIME_NO_DAY },
		{ "2026-13-10", DATETIME_NO_DAY },
		{ "2026-12-00", DATETIME_NO_DAY },
		{ "2026-12-31T23:59:60Z", DATETIME_OK },
		{ "2026-12-31T23:59:61Z", DATETIME_NO_TIME },
		{ "2026-12-31T23:60:00Z", DATETIME_NO_TIME },
		{ "2026-12-31T24:00:00.001Z", DATETIME_NO_TIME },
		{ "2026-12-31T24:01Z", DATETIME_NO_TIME },
		{ "2026-12-31T25:00Z", DATETIME_NO_TIME },
		{ "2026-12-32T25:00Z", DATETIME_NO_DAY },
	};
	struct datetime d;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(read_text(&d, t[i].text, ALL), t[i].f);
}

static void
parts_are_read(void **state)
{
	struct datetime d;
	int east;

	assert_int_equal(read_text(&d, "2026-01-30T10:15:30.1234567-01:30", 0),
	    DATETIME_OK);
	assert_int_equal(d.year, 2026);
	assert_int_equal(d.month, 1);
	assert_int_equal(d.day, 30);
	assert_int_equal(d.hour, 10);
	assert_int_equal(d.minute, 15);
	assert_int_equal(d.second, 30);
	assert_int_equal(d.digits, 7);
	assert_true(d.has_zone);
	assert_int_equal(d.east, -5400);
	assert_int_equal(datetime_micros(&d), 123456);
	assert_int_equal(datetime_seconds(&d), 1769768130 + 5400);
	assert_true(zone_read(&east, "+05:30", 6, 0));
	assert_int_equal(east, 19800);
	assert_false(zone_read(&east, "", 0, 0));
	assert_false(zone_read(&east, "+25:30", 6, 0));
	assert_int_equal(east, 0);
}

/* The calendar and the writer agree with the C library on each day of 12,000
 * years, and the reader with the writer. */
static void
each_day_agrees_with_libc(void **state)
{
	const int64_t day = 86400, from = calendar_days(0, 1, 1) * day;
	char text[DATETIME_TEXT], other[64];
	struct datetime d;
	struct tm tm;

	for (int64_t t = from; t < 12000 * 365 * day + from; t += day + 1) {
		time_t libc = (time_t)t;
		size_t n = datetime_write(text, t);

		assert_non_null(gmtime_r(&libc, &tm));
		(void)snprintf(other, sizeof(other),
		    "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		    tm.tm_sec);
		assert_string_equal(text, other);
		assert_int_equal(n, strlen(text));
		if (n > 19)
			continue;
		assert_int_equal(datetime_read(&d, text, n, DATETIME_LOCAL |
		    DATETIME_YEAR_0), DATETIME_OK);
		assert_int_equal(datetime_seconds(&d), t);
	}
	assert_int_equal(datetime_write(text, from - 1), 17);
	assert_string_equal(text, "-1-12-31T23:59:59");
	assert_true(datetime_write(text, INT64_MIN) < DATETIME_TEXT);
	assert_true(datetime_write(text, INT64_MAX) < DATETIME_TEXT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_has_its_bit),
		cmocka_unit_test(other_texts_are_no_times),
		cmocka_unit_test(days_and_times_exist),
		cmocka_unit_test(parts_are_read),
		cmocka_unit_test(each_day_agrees_with_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
