/* Tests of the member index: it finds what json_member_value() finds. */
#include "json_help.h"

#include "base/buf.h"
#include "json/member_index.h"

#include <stdio.h>

/* Writes an object with n members, every third one with an escape, and every
 * seventh one a second time, and an object inside it. */
static void
put_object(struct buf *b, unsigned int n, const char *inner)
{
	buf_str(b, "{\"inner\":");
	buf_str(b, inner);
	for (unsigned int i = 0; i < n; i++) {
		buf_printf(b, ",\"%sm%u\":%u", i % 3 ? "a" : "\\u0061", i, i);
		if (i % 7 == 0)
			buf_printf(b, ",\"am%u\":null", i);
	}
	buf_str(b, "}");
}

static void
are_found(struct member_index *m, const struct json *j, uint32_t obj,
    unsigned int n)
{
	char name[32];
	bool nomem = false;

	for (unsigned int i = 0; i < n + 5; i++) {
		size_t len = (size_t)sprintf(name, "am%u", i);
		uint32_t want = json_member_value(j, obj, name, len);

		assert_int_equal(want != 0, i < n);
		assert_int_equal(member_index_find(m, j, obj, name, len,
		    &nomem), want);
		assert_int_equal(member_index_find(m, j, obj, name, 1, &nomem),
		    0);
	}
	assert_false(nomem);
}

static void
test_members_are_found_in_large_objects(void **state)
{
	struct member_index m = { .n = 0 };
	struct buf inner, text;
	struct scanned s;

	buf_init(&inner, UINT32_MAX);
	buf_init(&text, UINT32_MAX);
	for (unsigned int n = 5; n < 500; n += 90) {
		buf_clear(&inner);
		buf_clear(&text);
		put_object(&inner, n, "0");
		put_object(&text, n / 2, buf_text(&inner));
		scan(&s, text.data, text.len, JSON_LEVELS_ALL, JSON_LAST);
		assert_int_equal(s.rc, 0);
		are_found(&m, &s.j, 0, n / 2);
		are_found(&m, &s.j, json_member_value(&s.j, 0, "inner", 5), n);
		member_index_clear(&m);
		scanned_free(&s);
	}
	member_index_release(&m);
	buf_release(&inner);
	buf_release(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_are_found_in_large_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
