/* Memory runs out at each allocation of the scanner: it reports this and leaks
 * nothing.  The sources are included with a malloc() that can fail. */
#include "json_help.h"

#include <stdio.h>

struct limited {
	struct json j;
	int left;               /* allocations that still succeed */
};

static bool
take(const struct json *j)
{
	return ((struct limited *)(uintptr_t)j)->left-- > 0;
}

#define malloc(n) (take(j) ? (malloc)(n) : NULL)
#define reallocarray(p, n, size) \
	(take(j) ? (reallocarray)(p, n, size) : NULL)
#include "lib/json/name.c"      /* NOLINT(bugprone-suspicious-include) */
#include "lib/json/scan.c"      /* NOLINT(bugprone-suspicious-include) */
#undef malloc
#undef reallocarray

/* Returns the number of allocations that the text needs.  With fewer, the
 * scanner must report that memory ran out, not a fault of the text. */
static int
allocs(const char *text, size_t n, int rc)
{
	struct json_fault f = { 0 };

	for (int allowed = 0; allowed < 40; allowed++) {
		struct limited l = { .left = allowed };
		int got = json_scan(&l.j, text, n, JSON_LEVELS_ALL,
		    JSON_UNIQUE, &f);

		json_release(&l.j);
		if (got == 0 || !f.nomem) {
			assert_int_equal(got, rc);
			return allowed;
		}
		assert_string_equal(f.code, "memory");
	}
	fail();
	return -1;
}

static void
test_nomem_in_tokens(void **state)
{
	char *text = repeat("[],", 1000), *strings = repeat("{\"\":0},", 1000);

	text[0] = strings[0] = '[';
	memset(text + 1, ' ', 2);
	memset(strings + 1, ' ', 6);
	text[2999] = strings[6999] = ']';
	assert_int_equal(allocs(TEXT("1"), 0), 1);
	assert_int_equal(allocs(TEXT("[]"), 0), 1);
	assert_int_equal(allocs(text, 3000, 0), 5);
	assert_int_equal(allocs(strings, 7000, 0), 7);
	free(text);
	free(strings);
}

/* The last token, of each kind, no longer fits in the first allocation. */
static void
test_nomem_at_the_last_token(void **state)
{
	static const char *const ends[] = {
		"0]", "\"\"]", "[]]", "{}]", "[1]]", "{\"\":1}]", "null]"
	};
	char text[300], *ones = repeat("1,", 65);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (int n = 60; n < 65; n++) {
			(void)snprintf(text, sizeof(text), "[%.*s%s", 2 * n,
			    ones, ends[i]);
			assert_in_range(allocs(text, strlen(text), 0), 1, 2);
		}
	free(ones);
}

/* Allocations for many names: the hash table, and the list to sort instead. */
static void
need_names(int last, int rc)
{
	char *text = malloc(10000), *p = text;

	assert_non_null(text);
	*p++ = '{';
	for (int i = 0; i < 300; i++)
		p += snprintf(p, 100, "\"ABCDEFGH%04dabcdefgh\":0,",
		    i < 299 ? i : last);
	p[-1] = '}';
	assert_int_equal(allocs(text, (size_t)(p - text), rc), 7);
	free(text);
}

static void
test_nomem_in_the_table_of_names(void **state)
{
	need_names(299, 0);
	need_names(7, -1);
}

static void
test_too_long_a_text_is_refused(void **state)
{
	struct json j = { 0 };
	struct json_fault f;

	/* the length alone is refused; the text is not read */
	assert_int_equal(json_scan(&j, "1", (size_t)UINT32_MAX + 1, 0,
	    JSON_UNIQUE, &f), -1);
	assert_string_equal(f.code, "parse");
	json_release(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nomem_in_tokens),
		cmocka_unit_test(test_nomem_at_the_last_token),
		cmocka_unit_test(test_nomem_in_the_table_of_names),
		cmocka_unit_test(test_too_long_a_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
