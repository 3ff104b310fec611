/* Tests of lib/base: bytes shown as text, UTF-8, base64, hex. */
#include "base/base64.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
invalid_utf8_is_found(void **state)
{
	static const struct { const char *text; size_t n, valid; } t[] = {
		{ "a\xc3\xa9z", 4, 4 }, { "\xc0\xaf", 2, 0 },
		{ "\xed\xa0\x80", 3, 0 }, { "\xe0\x9f\xbf", 3, 0 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 }, { "\xf4\x90\x80\x80", 4, 0 },
		{ "a\xff", 2, 1 }, { "\xe2\x82", 2, 0 },
		{ "\xf0\x9f\x98\x80", 4, 4 }, { "\x80", 1, 0 },
	};
	char out[4];
	unsigned int cp;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(
		    utf8_valid_length(t[i].text, t[i].n), t[i].valid);
	for (unsigned int c = 0; c < 0x110000; c++) {
		if (c >= 0xd800 && c < 0xe000)
			continue;
		size_t n = utf8_encode(out, c);

		assert_int_equal(utf8_decode(out, n, &cp), n);
		assert_int_equal(cp, c);
	}
}

static void
terminal_controls_are_escaped(void **state)
{
	struct buf b;
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	buf_init(&b, 1 << 16);
	text_show(&b, all, sizeof(all));
	text_show(&b, "\xc2\x9b\xe2\x80\xa8\xe2\x80\xae", 8);
	for (size_t i = 0; i < b.len; i++)
		assert_in_range((unsigned char)b.data[i], 0x20, 0x7e);
	assert_non_null(strstr(buf_text(&b), "\\u001b"));
	assert_non_null(strstr(buf_text(&b), "\\u202e"));
	buf_release(&b);
}

static void
non_ascii_is_escaped(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 10);
	text_put_ascii(&b, "a\\\t\x7f"
	    "\xc2\x80\xc3\xa9\xe2\x82\xac",
	    11);
	text_put_ascii(&b, "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xff", 9);
	assert_string_equal(buf_text(&b), "a\\\t\x7f\\u0080\\u00e9\\u20ac"
	    "\\ud83d\\ude00\\udbff\\udfff\\ufffd");
	buf_release(&b);
}

static void
a_cut_never_splits_a_character(void **state)
{
	assert_int_equal(text_cut_length("abc", 3, 3), 3);
	assert_int_equal(text_cut_length("abcd", 4, 3), 3);
	assert_int_equal(text_cut_length("a\xe2\x80\x83", 4, 3), 1);
	assert_int_equal(text_cut_length("a\xe2\x80\x83", 4, 4), 4);
	assert_int_equal(text_cut_length("\xf0\x9f\x98\x80!", 5, 3), 0);
	assert_int_equal(text_cut_length("\xf0\x9f\x98\x80!", 5, 4), 4);
	assert_int_equal(text_cut_length("\x80\x80\x80\x80\x80", 5, 4), 4);
	assert_int_equal(text_cut_length("\x80\x80", 2, 1), 1);
}

static void
base64_round_trips(void **state)
{
	struct buf b, back;
	char data[97];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 37 + 200);
	buf_init(&b, 1 << 16);
	buf_init(&back, 1 << 16);
	for (size_t n = 0; n <= sizeof(data); n++) {
		buf_clear(&b);
		buf_clear(&back);
		base64_put(&b, data, n);
		assert_int_equal(base64_get(&back, b.data, b.len), 0);
		assert_int_equal(back.len, n);
		if (n > 0)
			assert_memory_equal(back.data, data, n);
	}
	assert_int_equal(base64_get(&back, "abc", 3), -1);
	assert_int_equal(base64_get(&back, "a-cd", 4), -1);
	assert_int_equal(base64_get(&back, "a=cd", 4), -1);
	buf_release(&b);
	buf_release(&back);
}

/* Pairs of RFC 4648, section 10, in a buffer that has just enough room. */
static void
base64_is_that_of_rfc_4648(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xef\xbe\xff\xff\xff", "++++////" },
	};
	struct buf b;
	struct err e;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *text = pairs[i][0], *code = pairs[i][1];

		buf_init(&b, strlen(code));
		base64_put(&b, text, strlen(text));
		assert_string_equal(buf_text(&b), code);
		assert_true(base64_is_valid(code, strlen(code)));
		buf_release(&b);
		buf_init(&b, strlen(text));
		assert_int_equal(base64_get(&b, code, strlen(code)), 0);
		assert_int_equal(buf_check(&b, &e), 0);
		assert_string_equal(buf_text(&b), text);
		buf_release(&b);
	}
}

static void
hex_digits_round_trip(void **state)
{
	unsigned char all[256];
	struct buf b;

	buf_init(&b, 1 << 10);
	for (int i = 0; i < 256; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *p = i == 0 ? NULL : strchr(digits, i);

		all[i] = (unsigned char)i;
		assert_int_equal(hex_digit_value((char)i),
		    p == NULL ? -1 : (p - digits) % 16);
	}
	hex_append(&b, all, sizeof(all));
	assert_int_equal(b.len, 512);
	assert_memory_equal(b.data + 338, "a9aaab", 6);
	for (int i = 0; i < 256; i++)
		assert_int_equal(hex_byte_value(b.data + 2 * (size_t)i), i);
	assert_int_equal(hex_byte_value("0g"), -1);
	assert_int_equal(hex_byte_value("\x10" "0"), -1);
	assert_int_equal(hex_byte_value("Fe"), 0xfe);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_that_of_rfc_4648),
		cmocka_unit_test(invalid_utf8_is_found),
		cmocka_unit_test(terminal_controls_are_escaped),
		cmocka_unit_test(non_ascii_is_escaped),
		cmocka_unit_test(a_cut_never_splits_a_character),
		cmocka_unit_test(base64_round_trips),
		cmocka_unit_test(hex_digits_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
