/* Tests of lib/stream: marks are found, parsed and extended; counts add up. */
#include "stream/mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool
is(const char *s)
{
	return is_mark_line(s, strlen(s));
}

static void
marks_are_found_by_their_first_member(void **state)
{
	static const char *const marks[] = {
		"{\"@etl\":\"end\"}", "{\"@etl\"", " \t{ \"@etl\" : 1}",
		"{\r\"\\u0040etl\":1}", "{\"\\u0040\\u0065\\u0074\\u006C\":1}",
		"{\"@e\\u0074l\":1}", "{\"@et\\u006c\":null}",
	};
	static const char *const others[] = {
		"", "{", "{\"", "{\"@", "{\"@etl", "{}",
		"[\"@etl\"]", "\"@etl\"",
		"{\"a\":1,\"@etl\":\"end\"}", "{\"@etl2\":1}", "{\"@et\":1}",
		"{\"\\@etl\":1}", "{\"\\u0041etl\":1}", "{\"@ETL\":1}",
		"{\"\\u004\":1}", "{\"\\u00g0etl\":1}", "x{\"@etl\":1}",
		"{\"@etl\\u0000\":1}", "{\"\\u0140etl\":1}",
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (!is(marks[i]))
			fail_msg("no mark: %s", marks[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (is(others[i]))
			fail_msg("a mark: %s", others[i]);
	for (size_t n = 0; n < 7; n++)
		assert_false(is_mark_line(marks[0], n));
}

static void
parse(struct mark *m, const char *s)
{
	struct err e = { 0 };

	if (mark_parse(m, s, strlen(s), &e) == -1)
		fail_msg("%s: %s", s, e.msg);
}

#define BEGIN "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b7\"," \
    "\"stream\":\"p\\u006fsts\"," \
    "\"run\":\"6f\",\"pipeline\":\"pp\",\"stages\":[\"extract\"]," \
    "\"traceparent\":\"00-1\",\"new\":{\"x\":[1,{\"y\":2}]}}"
#define END "{\"@etl\":\"end\",\"seq\":3,\"stages\":[{\"stage\":\"extract\"," \
    "\"in\":0,\"out\":100,\"dropped\":0,\"rejected\":2,\"aside\":1,\"k\":" \
    "[9]}," \
    "{\"stage\":\"via\",\"in\":100,\"out\":98,\"dropped\":0,\"rejected\":2}]}"

static void
known_members_are_read(void **state)
{
	struct mark m;

	parse(&m, BEGIN);
	assert_int_equal(m.kind, MARK_BEGIN);
	assert_string_equal(m.id, "b7");
	assert_string_equal(m.stream, "posts");
	assert_string_equal(m.run, "6f");
	assert_string_equal(m.pipeline, "pp");
	assert_string_equal(m.traceparent, "00-1");
	assert_int_equal(m.nstages, 1);
	assert_string_equal(m.stages[0].stage, "extract");
	assert_false(m.replay);
	mark_release(&m);
	parse(&m, END);
	assert_int_equal(m.kind, MARK_END);
	assert_true(m.has_seq);
	assert_int_equal(m.seq, 3);
	assert_int_equal(m.nstages, 2);
	assert_int_equal(m.stages[0].out, 100);
	assert_int_equal(m.stages[0].aside, 1);
	assert_int_equal(m.stages[1].in, 100);
	assert_int_equal(m.stages[1].rejected, 2);
	mark_release(&m);
	parse(&m, "{\"@etl\":\"failed\",\"stage\":\"x\",\"code\":66,"
	    "\"message\":\"a: \\u0040\"}");
	assert_int_equal(m.code, 66);
	assert_string_equal(m.message, "a: @");
	mark_release(&m);
	parse(&m, "{\"@etl\":\"reject\",\"v\":1,\"stage\":\"x\","
	    "\"raw\":\"{}\"}");
	assert_int_equal(m.kind, MARK_REJECT);
	mark_release(&m);
	parse(&m, "{\"@etl\":\"resolve\",\"id\":\"9\",\"seq\":1,\"seen\":3,"
	    "\"upto\":2,\"stages\":[]}");
	assert_int_equal(m.kind, MARK_RESOLVE);
	assert_int_equal(m.seen * 10 + m.upto, 32);
	mark_release(&m);
	parse(&m, "{\"@etl\":\"checkpoint\",\"name\":\"c\",\"seq\":4,"
	    "\"from\":null,\"version\":9,\"value\":\"\",\"stages\":[]}");
	assert_string_equal(m.name, "c");
	assert_string_equal(m.value, "");
	assert_null(m.from);
	assert_int_equal(m.version, 9);
	mark_release(&m);
	parse(&m, "{\"@etl\":\"later\",\"v\":9,\"stages\":7}");
	assert_int_equal(m.kind, MARK_UNKNOWN);
	mark_release(&m);
	mark_release(NULL);
}

static void
refused(const char *const *bad, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err e = { 0 };
		struct mark m;

		if (mark_parse(&m, bad[i], strlen(bad[i]), &e) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(e.code, ERR_PEER);
		assert_true(e.msg[0] != '\0');
	}
}

static void
broken_marks_are_refused(void **state)
{
	static const char *const bad[] = {
		"{\"@etl\":\"end\"", "{\"@etl\":3}", "{\"@etl\":\"\\u0065nd\"}",
		"{\"@etl\":\"end\"}", "{\"@etl\":\"end\",\"stages\":{}}",
		"{\"@etl\":\"begin\",\"id\":\"1\",\"stages\":[]}",
		"{\"@etl\":\"begin\",\"v\":2,\"id\":\"1\",\"stages\":[]}",
		"{\"@etl\":\"begin\",\"v\":0,\"id\":\"1\",\"stages\":[]}",
		"{\"@etl\":\"begin\",\"v\":\"1\",\"id\":\"1\",\"stages\":[]}",
		"{\"@etl\":\"begin\",\"v\":1,\"stages\":[]}",
		"{\"@etl\":\"begin\",\"v\":1,\"id\":\"\",\"stages\":[]}",
		"{\"@etl\":\"begin\",\"v\":1,\"id\":7,\"stages\":[]}",
		"{\"@etl\":\"begin\",\"v\":1,\"id\":\"a\\u0000\",\"stages\":"
		    "[]}",
		"{\"@etl\":\"begin\",\"v\":1,\"id\":\"1\",\"stages\":[3]}",
		"{\"@etl\":\"begin\",\"v\":1,\"id\":\"1\",\"stages\":[\"\"]}",
		"{\"@etl\":\"begin\",\"v\":1,\"id\":\"1\",\"stages\":[\"a\","
		    "\"a\"]}",
		"{\"@etl\":\"end\",\"stages\":[],\"stages\":[]}",
		"{\"@etl\":\"end\",\"stages\":[\"extract\"]}",
		"{\"@etl\":\"end\",\"seq\":-0,\"stages\":[]}",
		"{\"@etl\":\"end\",\"seq\":-0.0,\"stages\":[]}",
		"{\"@etl\":\"end\",\"stages\":[{\"stage\":\"a\",\"in\":-1,"
		    "\"out\":0,"
		    "\"dropped\":0,\"rejected\":0}]}",
		"{\"@etl\":\"end\",\"stages\":[{\"stage\":\"a\",\"in\":1.5,"
		    "\"out\":0,\"dropped\":0,\"rejected\":0}]}",
		"{\"@etl\":\"end\",\"stages\":[{\"in\":1,\"out\":0,"
		    "\"dropped\":0,\"rejected\":0}]}",
		"{\"@etl\":\"reject\",\"v\":1}",
		"{\"@etl\":\"reject\",\"v\":2,\"stage\":\"a\"}",
		"{\"@etl\":\"failed\",\"stage\":\"a\",\"code\":0,"
		    "\"message\":\"\"}",
		"{\"@etl\":\"failed\",\"stage\":\"a\",\"code\":126,"
		    "\"message\":\"\"}",
		"{\"@etl\":\"failed\",\"stage\":\"a\",\"code\":66}",
		"{\"@etl\":\"failed\",\"code\":66,\"message\":\"\"}",
	};

	refused(bad, sizeof(bad) / sizeof(bad[0]));
}

static void
broken_boundaries_are_refused(void **state)
{
	static const char *const bad[] = {
		"{\"@etl\":\"checkpoint\",\"stages\":[]}",
		"{\"@etl\":\"resolve\",\"seq\":1,\"seen\":1,\"upto\":0,"
		    "\"stages\":[]}",
		"{\"@etl\":\"resolve\",\"id\":\"9\",\"seq\":1,\"upto\":0,"
		    "\"stages\":[]}",
		"{\"@etl\":\"resolve\",\"id\":\"9\",\"seq\":1,\"seen\":1,"
		    "\"upto\":2,\"stages\":[]}",
		"{\"@etl\":\"checkpoint\",\"seq\":1,\"version\":0,"
		    "\"value\":\"1\",\"stages\":[]}",
		"{\"@etl\":\"checkpoint\",\"name\":\"c\",\"seq\":1,"
		    "\"version\":0,\"stages\":[]}",
		"{\"@etl\":\"checkpoint\",\"name\":\"c\",\"seq\":1,"
		    "\"version\":0,\"value\":1,\"stages\":[]}",
		"{\"@etl\":\"checkpoint\",\"name\":\"c\",\"seq\":1,"
		    "\"value\":\"1\",\"stages\":[]}",
		"{\"@etl\":\"checkpoint\",\"name\":\"c\",\"seq\":1,"
		    "\"from\":2,\"version\":0,\"value\":\"1\",\"stages\":[]}",
	};

	refused(bad, sizeof(bad) / sizeof(bad[0]));
}

static void
too_many_stages_are_refused(void **state)
{
	struct err e = { 0 };
	struct mark m;
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_str(&b, "{\"@etl\":\"begin\",\"v\":1,\"id\":\"1\",\"stages\":[");
	for (int i = 0; i < MARK_STAGES; i++)
		buf_printf(&b, "\"s%d\",", i);
	b.len--;
	buf_str(&b, "]}");
	assert_int_equal(mark_parse(&m, b.data, b.len, &e), 0);
	mark_release(&m);
	b.len -= 2;
	buf_str(&b, ",\"one more\"]}");
	assert_int_equal(mark_parse(&m, b.data, b.len, &e), -1);
	buf_release(&b);
}

static void
extended(const char *line, const char *wanted)
{
	static const struct counts c = { "load", 98, 90, 5, 3, 2 };
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 1 << 16);
	assert_int_equal(mark_add_stage(&b, line, strlen(line), &c, &e), 0);
	assert_string_equal(buf_text(&b), wanted);
	buf_release(&b);
}

#define MINE "{\"stage\":\"load\",\"in\":98,\"out\":90,\"dropped\":5," \
    "\"rejected\":3,\"aside\":2}"

static void
extending_keeps_every_other_byte(void **state)
{
	struct err e = { 0 };
	struct buf b;

	extended("{\"@etl\":\"begin\",\"x\": [\"]\"] ,\"stages\":[\"a\"],"
	    "\"v\":1}",
	    "{\"@etl\":\"begin\",\"x\": [\"]\"] ,\"stages\":[\"a\",\"load\"],"
	    "\"v\":1}");
	extended("{\"@etl\":\"begin\",\"stages\":[ ]}",
	    "{\"@etl\":\"begin\",\"stages\":[ \"load\"]}");
	extended(" { \"\\u0040etl\" : \"end\" , \"stages\" : [ ] , "
	    "\"y\":1e400}",
	    " { \"\\u0040etl\" : \"end\" , \"stages\" : [ " MINE "] , "
	    "\"y\":1e400}");
	extended("{\"@etl\":\"checkpoint\",\"seq\":1,\"stages\":[{\"in\":[]}]}",
	    "{\"@etl\":\"checkpoint\",\"seq\":1,\"stages\":[{\"in\":[]},"
	    MINE "]}");
	buf_init(&b, 1 << 16);
	assert_int_equal(mark_add_stage(&b, "{\"@etl\":\"end\"}", 14,
	    &(struct counts){ 0 }, &e), -1);
	assert_int_equal(e.code, ERR_PEER);
	buf_release(&b);
}

static void
written_marks_read_back(void **state)
{
	struct err e = { 0 }, why = { 0 };
	struct mark m = { .replay = true, .nstages = 2 }, back;
	struct counts c[2] = { { "a\"b", 0, 9, 0, 1, 1 },
	    { "two", 9, 9, 0, 0, 0 } };
	const uint64_t version = 17;
	struct buf b;

	m.stages[0] = c[0];
	m.stages[1] = c[1];
	m.id = strdup("the id");
	m.pipeline = strdup("p\xc3\xb6sts");
	m.stage = strdup("transform");
	m.run = strdup("no UTF-8: \xff");
	buf_init(&b, 1 << 16);
	assert_int_equal(mark_put_begin(&b, &m, &e), 0);
	parse(&back, buf_text(&b));
	assert_string_equal(back.id, "the id");
	assert_string_equal(back.pipeline, "p\xc3\xb6sts");
	assert_string_equal(back.stage, "transform");
	assert_null(back.run);
	assert_true(back.replay);
	assert_int_equal(back.nstages, 2);
	assert_string_equal(back.stages[0].stage, "a\"b");
	mark_release(&back);
	mark_release(&m);
	buf_clear(&b);
	assert_int_equal(mark_put_end(&b, 3, &version, NULL, c, &e), 0);
	parse(&back, buf_text(&b));
	assert_true(back.has_version && back.version == version);
	assert_null(back.cut);
	mark_release(&back);
	buf_clear(&b);
	assert_int_equal(mark_put_end(&b, 3, NULL, "in.csv: line 9", c, &e), 0);
	parse(&back, buf_text(&b));
	assert_false(back.has_version);
	assert_string_equal(back.cut, "in.csv: line 9");
	assert_int_equal(back.seq, 3);
	assert_int_equal(back.nstages, 1);
	assert_memory_equal(back.stages, c, sizeof(c[0]));
	mark_release(&back);
	buf_clear(&b);
	(void)err_set(&why, ERR_RETRY, true, "later\n\xe2\x82\xac\xe2\x82");
	assert_int_equal(mark_put_failed(&b, "a", &why, NULL, &e), 0);
	parse(&back, buf_text(&b));
	assert_int_equal(back.code, 75);
	assert_string_equal(back.message, "later\n\xe2\x82\xac");
	mark_release(&back);
	buf_release(&b);
}

static void
stage_names_are_made_unique(void **state)
{
	struct counts c[3] = { { .stage = "a" }, { .stage = "a.2" },
	    { .stage = "b" } };
	char name[64];

	mark_name_stage(name, "c", c, 3);
	assert_string_equal(name, "c");
	mark_name_stage(name, "b", c, 3);
	assert_string_equal(name, "b.2");
	mark_name_stage(name, "a", c, 3);
	assert_string_equal(name, "a.3");
}

static enum err_code
sum(const struct counts *c, size_t n)
{
	struct mark m = { .kind = MARK_END, .nstages = n };
	struct err e = { 0 };

	memcpy(m.stages, c, n * sizeof(*c));
	return mark_check_counts(&m, &e) == 0 ? ERR_NONE : e.code;
}

static void
counts_that_do_not_add_up_are_found(void **state)
{
	struct counts c[2] = { { "a", 0, 100, 0, 7, 2 },
	    { "b", 100, 98, 1, 1, 0 } };

	assert_int_equal(sum(c, 0), ERR_NONE);
	assert_int_equal(sum(c, 2), ERR_NONE);
	c[1].out = 300;         /* several outputs for a record */
	assert_int_equal(sum(c, 2), ERR_NONE);
	c[1].in = 99;
	assert_int_equal(sum(c, 2), ERR_PEER);
	c[1].in = 101;
	assert_int_equal(sum(c, 2), ERR_PEER);
	c[1] = (struct counts){ "b", 100, 0, 60, 40, 0 };
	assert_int_equal(sum(c, 2), ERR_NONE);
	c[1].out = 1;
	assert_int_equal(sum(c, 2), ERR_BUG);
	c[1] = (struct counts){ "b", 100, 0, 60, 41, 0 };
	assert_int_equal(sum(c, 2), ERR_BUG);
	c[1] = (struct counts){ "b", 100, 99, 0, 1, 2 };
	assert_int_equal(sum(c, 2), ERR_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_found_by_their_first_member),
		cmocka_unit_test(known_members_are_read),
		cmocka_unit_test(broken_marks_are_refused),
		cmocka_unit_test(broken_boundaries_are_refused),
		cmocka_unit_test(too_many_stages_are_refused),
		cmocka_unit_test(extending_keeps_every_other_byte),
		cmocka_unit_test(written_marks_read_back),
		cmocka_unit_test(stage_names_are_made_unique),
		cmocka_unit_test(counts_that_do_not_add_up_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
