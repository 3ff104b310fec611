/* Tests of etl-extract: loops of cursors are found, in a bounded memory. */
#include "src/etl-extract/page/seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Adds the cursor of page n, of pages that lead from page `loop` - 1 back to
 * the page `to`. */
static int
add_page(struct seen *s, unsigned n, unsigned to, unsigned loop)
{
	struct err e = { 0 };
	char cursor[32];
	int len;

	if (n >= loop)
		n = to + (n - loop) % (loop - to);
	len = snprintf(cursor, sizeof(cursor), "c%u", n);
	return seen_add(s, cursor, (size_t)len, &e);
}

/* Returns the number of the first page that is found to be a repetition. */
static unsigned
find_loop(unsigned to, unsigned loop)
{
	struct seen s = { 0 };
	unsigned n = 0;
	int rc;

	while ((rc = add_page(&s, n, to, loop)) == 0)
		n++;
	seen_release(&s);
	assert_int_equal(rc, 1);
	return n;
}

static void
a_loop_is_found_at_its_first_repetition(void **state)
{
	static const unsigned places[][2] = {
		{ 0, 1 }, { 0, 2 }, { 5, 6 }, { 0, 30000 }, { 40000, 40001 },
		{ 40000, 70000 }, { 200000, 200002 }, { 199999, 230000 },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		assert_int_equal(
		    find_loop(places[i][0], places[i][1]), places[i][1]);
}

static void
a_loop_over_many_pages_is_found_later(void **state)
{
	assert_true(find_loop(0, 100000) <= 3 * 100000);
	assert_true(find_loop(70000, 200000) <= 3 * 200000);
}

static void
different_cursors_are_no_loop(void **state)
{
	struct seen s = { 0 };
	struct err e = { 0 };

	for (unsigned n = 0; n < 300000; n++)
		assert_int_equal(seen_add(&s, &n, sizeof(n), &e), 0);
	seen_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_is_found_at_its_first_repetition),
		cmocka_unit_test(a_loop_over_many_pages_is_found_later),
		cmocka_unit_test(different_cursors_are_no_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
