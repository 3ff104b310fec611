/* libjq is started late, if the native engine is sure that libjq accepts the
 * filter.
 *
 * usage: transform_late [-]
 *
 * With "-": reads filters from standard input, each ended by a NUL, and checks
 * that libjq accepts each of which the native engine is sure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* needs these four */
#include <cmocka.h>

#include "jq/filter.h"
#include "native/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct engine_conf
conf_of(const char *text)
{
	static const struct arg arg = { ARG_TEXT, "w", "x" };

	return (struct engine_conf){ .text = text, .std = true, .args = &arg,
		.nargs = 1, .max_record = 1 << 20 };
}

/* Runs the filter on {"a":1} without compiling it before. */
static void
run_late(const char *text, struct outcome *o, char *out, size_t size)
{
	struct engine_conf c = conf_of(text);
	struct err e = { .code = ERR_NONE };
	struct json j = { .text = NULL };
	struct json_fault fault;
	struct filter *f;

	assert_int_equal(json_scan(&j, "{\"a\":1}", 7, JSON_LEVELS_ALL,
	    JSON_UNIQUE, &fault), 0);
	assert_int_equal(filter_prepare(&f, &c, &e), 0);
	outcome_init(o);
	for (int i = 0; i < 2; i++) {
		o->out = (struct buf){ .data = out, .cap = size, .max = size };
		outcome_clear(o);
		filter_run(f, &j, o);
	}
	filter_free(f);
	json_release(&j);
}

static void
the_first_record_compiles_the_filter(void **state)
{
	struct outcome o;
	char out[64];

	run_late("({b: (.a + $w), c: $w}?) // {a}", &o, out, sizeof(out));
	assert_string_equal(o.code, "");
	assert_int_equal(o.out.len, 8);
	assert_memory_equal(out, "{\"a\":1}\n", 8);
	outcome_release(&o);
}

static void
a_filter_that_libjq_refuses_rejects_each_record(void **state)
{
	struct outcome o;
	char out[64];

	run_late("{a: nosuch}", &o, out, sizeof(out));
	assert_string_equal(o.code, "filter");
	assert_int_equal(o.out.len, 0);
	assert_non_null(strstr(buf_text(&o.message), "bug in this program"));
	assert_non_null(
	    strstr(buf_text(&o.message), "nosuch/0 is not defined"));
	outcome_release(&o);
}

/* Returns true if the native engine is sure that libjq accepts the text. */
static bool
is_sure(const struct engine_conf *c)
{
	struct native *n = NULL;
	struct lacks lacks;
	struct err e = { .code = ERR_NONE };
	bool sure = native_may_go_first(c) &&
	    native_compile(&n, c, &lacks, &e) == 1 && !lacks.doubtful;

	native_free(n);
	return sure;
}

static bool
is_accepted_by_libjq(const struct engine_conf *c, struct err *e)
{
	struct filter *f = NULL;
	bool accepted = filter_prepare(&f, c, e) == 0 &&
	    filter_compile(f, e) == 0;

	filter_free(f);
	return accepted;
}

static int
compare_with_libjq(void)
{
	unsigned long texts = 0, sure = 0, wrong = 0;
	char *text = NULL;
	size_t size = 0;

	while (getdelim(&text, &size, '\0', stdin) > 0) {
		struct engine_conf c = conf_of(text);
		struct err e = { .code = ERR_NONE };

		texts++;
		if (!is_sure(&c))
			continue;
		sure++;
		if (is_accepted_by_libjq(&c, &e))
			continue;
		wrong++;
		(void)printf("libjq refuses: %s\n%s\n", text, e.msg);
	}
	free(text);
	(void)printf("%lu filters, %lu of them sure, %lu wrong\n", texts, sure,
	    wrong);
	return wrong > 0 || sure == 0;
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_record_compiles_the_filter),
		cmocka_unit_test(
		    a_filter_that_libjq_refuses_rejects_each_record),
	};

	if (argc > 1)
		return compare_with_libjq();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
