/* Tests of lib/stream: the checks of a sink, and where rejects go. */
#include "stage_help.h"

#include <fcntl.h>

#define BEGIN "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b7\",\"stages\":" \
    "[\"extract\",\"transform\"]}\n"
#define COUNT(stage, in, out, dropped, rejected) "{\"stage\":\"" stage \
    "\",\"in\":" #in ",\"out\":" #out ",\"dropped\":" #dropped \
    ",\"rejected\":" #rejected "}"
#define MARK(kind, a, b) "{\"@etl\":\"" kind "\",\"stages\":[" a "," b "]}\n"
#define REJECT(s) "{\"@etl\":\"reject\",\"v\":1,\"stage\":\"" s "\"}\n"
#define POINT "{\"@etl\":\"checkpoint\",\"name\":\"n\",\"seq\":1," \
	"\"version\":0,\"value\":\"v\",\"stages\":["
#define REPLAY "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b7\",\"replay\":true," \
    "\"pipeline\":\"posts\",\"stage\":\"transform.2\",\"stages\":[\"dlq\"]}\n"
#define WHERE "{ ...; } 3>>rejects.ndjson"

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void
gives(struct got *r, struct given g, int status)
{
	if (g.conf.name == NULL)
		g.conf.name = "transform";
	run(r, &g);
	if (r->status != status)
		fail_msg("status %d, not %d: %s", r->status, status, r->err);
}

static void
sink(struct got *r, const char *in, int status, const char *part)
{
	gives(r, (struct given){ .conf = { .name = "load",
	    .sink = true }, .in = in }, status);
	has(status == 0 ? r->out : r->err, part);
}

static void
counts_that_add_up_are_accepted(void **state)
{
	sink(*state, "{}\n", 0, "record {}");
	sink(*state, REJECT("x") "{}\n", 0, "mark 5\nrecord {}\n");
	sink(*state, BEGIN "{}\n" REJECT("transform") MARK("end",
	    COUNT("extract", 0, 3, 0, 0), COUNT("transform", 3, 1, 1, 1)), 0,
	    "mark 1\nrecord {}\nmark 5\nmark 4\n");
	sink(*state, BEGIN "{}\n" MARK("end", COUNT("extract", 0, 3, 0, 0),
	    "{\"stage\":\"transform\",\"in\":3,\"out\":1,\"dropped\":1,"
	    "\"rejected\":1,\"aside\":1}"), 0, "mark 4\n");
	/* A reject of a plain filter that runs before the marked stream. */
	sink(*state, BEGIN REJECT("other") MARK("end",
	    COUNT("extract", 0, 0, 0, 0), COUNT("transform", 0, 0, 0, 0)), 0,
	    "mark 5\nmark 4\n");
}

static void
counts_that_do_not_add_up_exit_with_76(void **state)
{
	sink(*state, BEGIN MARK("end", COUNT("extract", 0, 1, 0, 0),
	    COUNT("transform", 1, 1, 0, 0)), 76, "1 records were lost between "
	    "transform, which wrote 1, and load, which read 0: run the");
	sink(*state, BEGIN "{}\n{}\n" MARK("end", COUNT("extract", 0, 1, 0, 0),
	    COUNT("transform", 1, 1, 0, 0)), 76, "1 records were added");
	sink(*state, BEGIN "{}\n" MARK("end", COUNT("extract", 0, 4, 0, 0),
	    COUNT("transform", 1, 1, 0, 0)), 76, "3 records were lost between "
	    "extract, which wrote 4, and transform, which read 1");
	sink(*state, BEGIN "{}\n" MARK("end", COUNT("extract", 0, 2, 0, 0),
	    COUNT("transform", 2, 1, 0, 1)), 76, "stage transform wrote 1 "
	    "reject lines into the stream, but 0 arrived");
	sink(*state, BEGIN REJECT("extract") "{}\n" MARK("end",
	    COUNT("extract", 0, 1, 0, 0), COUNT("transform", 1, 1, 0, 0)), 76,
	    "stage extract wrote 0");
	sink(*state, BEGIN "{}\n" MARK("end", COUNT("extract", 0, 1, 0, 0),
	    COUNT("other", 1, 1, 0, 0)), 76,
	    "names other stages than the begin mark");
	sink(*state, BEGIN "{}\n{\"@etl\":\"end\",\"stages\":["
	    COUNT("extract", 0, 1, 0, 0) "]}\n", 76, "names other stages");
	sink(*state, BEGIN "{}\n" MARK("end", COUNT("extract", 0, 1, 0, 0),
	    COUNT("transform", 1, 1, 1, 0)), 70, "do not add up");
}

/* The records since begin are counted at every boundary, not only at end. */
static void
every_boundary_is_checked(void **state)
{
	sink(*state, BEGIN "{}\n" POINT
	    COUNT("extract", 0, 2, 0, 0) "," COUNT("transform", 2, 2, 0, 0)
	    "]}\n", 76, "1 records were lost");
	sink(*state, BEGIN "{}\n" POINT
	    COUNT("extract", 0, 1, 0, 0) "," COUNT("transform", 1, 1, 0, 0)
	    "]}\n{}\n{\"@etl\":\"end\",\"seq\":1,\"stages\":["
	    COUNT("extract", 0, 2, 0, 0) "," COUNT("transform", 2, 2, 0, 0)
	    "]}\n", 0, "mark 1\nrecord {}\nmark 2\nrecord {}\nmark 4\n");
}

static void
nothing_is_read_after_failed(void **state)
{
	const struct got *r = *state;

	sink(*state, BEGIN "{\"@etl\":\"failed\",\"stage\":\"x\",\"code\":9,"
	    "\"message\":\"why\"}\n{\"late\":1}\n", 9, "load: x: why\n");
	assert_string_equal(r->out, "mark 1\nmark 6\n");
}

static void
a_sink_gets_marks_of_its_own_stream(void **state)
{
	const struct got *r = *state;
	struct given g = { .conf = { .name = "load", .sink = true },
	    .in = "{}\n", .file = true, .run = "6f" };

	gives(*state, g, 0);
	assert_string_equal(r->out, "mark 1\nrecord {}\nmark 4\n");
	g.in = NULL;
	gives(*state, g, 0);
	assert_string_equal(r->out, "mark 1\nmark 4\n");
	g.in = REJECT("x") "{}\n";
	gives(*state, g, 0);
	assert_string_equal(r->out, "mark 1\nmark 5\nrecord {}\nmark 4\n");
	g.conf.plain = true;
	g.file = false;
	gives(*state, g, 0);
	has(r->out, "mark 1\nrecord {\"@etl\":\"reject\"");
	has(r->out, " reserved\nrecord {}\nmark 4\n");
}

static const char bad[] = "{\"a\":1,\"a\":2}\n[]\n{x\n\"\xff\"\n{}\n";

static void
a_line_has_one_of_five_faults(void **state)
{
	const struct got *r = *state;
	static const char *const codes[] = { "duplicate_member", "type",
	    "parse", "encoding", "too_long" };
	char in[200];

	(void)snprintf(in, sizeof(in), "%s{\"long\":\"0123456789\"}\n", bad);
	gives(*state, (struct given){ .in = in, .three = THREE_FILE,
	    .conf = { .max_record = 20, .max_rejects = "5" } }, 0);
	assert_string_equal(r->out, "{}\n");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		char code[64];

		(void)snprintf(code, sizeof(code), "\"code\":\"%s\"",
		    codes[i]);
		has(r->three, code);
	}
	has(r->three, "\"raw_base64\":\"Iv8i\"");
	has(r->three, "\"bytes\":21,\"sha256\":\""
	    "e6a1e9b266b1d4ef78dc6c8797e036be"
	    "81f91e04e46ab683b9a814a8f40f8c69\"");
	has(r->three, "\"origin\":{\"kind\":\"stdin\",\"line\":2,"
	    "\"offset\":14}");
}

static void
rejects_go_to_stdout_or_descriptor_3(void **state)
{
	const struct got *r = *state;
	char file[] = "/tmp/etl-sink.XXXXXX", text[4096];
	int fd;

	gives(*state, (struct given){ .in = bad }, 65);
	assert_string_equal(r->out, "");
	has(r->err, "transform: line 1: the same member name twice");
	has(r->err, WHERE);
	gives(*state, (struct given){ .in = bad, .conf.max_rejects = "4",
	    .three = THREE_FILE }, 0);
	assert_string_equal(r->out, "{}\n");
	has(r->three, "\"code\":\"parse\"");
	gives(*state, (struct given){ .in = bad, .conf.max_rejects = "4",
	    .three = THREE_STDOUT }, 0);
	has(r->out, "\"code\":\"parse\"");
	gives(*state, (struct given){ .in = "{x\n", .run = "6f",
	    .file = true }, 0);
	has(r->out, "\"code\":\"parse\"");
	has(r->out, "\"rejected\":1}]}\n");
	gives(*state, (struct given){ .in = "{x\n", .run = "6f", .file = true,
	    .three = THREE_FILE }, 0);
	has(r->three, "\"code\":\"parse\"");
	has(r->out, "\"rejected\":1,\"aside\":1}]}\n");
	assert_true((fd = mkstemp(file)) >= 0);
	gives(*state, (struct given){ .in = bad, .conf.max_rejects = "4",
	    .three = THREE_FILE,
	    .conf.rejects = file }, 0);
	assert_string_equal(r->three, "");
	read_back(fd, text, sizeof(text));
	(void)unlink(file);
	has(text, "\"code\":\"parse\"");
}

static void
a_replay_keeps_its_rejects(void **state)
{
	const struct got *r = *state;
	struct given g = { .in = REPLAY "{x\n{\"@etl\":\"end\",\"stages\":["
	    COUNT("dlq", 0, 1, 0, 0) "]}\n", .three = THREE_FILE };

	gives(*state, g, 0);
	assert_string_equal(r->three, "");
	has(r->out, "[\"dlq\",\"transform.2\"]");
	has(r->out, "\"pipeline\":\"posts\",\"stage\":\"transform.2\","
	    "\"code\":");
	g.conf.rejects = "/dev/null";
	gives(*state, g, 78);
}

/* A replay and then another stream, one after the other in one input. */
static void
a_replay_lends_its_pipeline_to_no_other_stream(void **state)
{
	const struct got *r = *state;
	struct given g = { .pipeline = "mine", .in = REPLAY
	    "{\"@etl\":\"end\",\"stages\":[" COUNT("dlq", 0, 0, 0, 0) "]}\n"
	    BEGIN "{x\n" };

	gives(*state, g, 75);
	has(r->out, "\"pipeline\":\"mine\",\"stage\":\"transform.2\","
	    "\"code\":");
}

static void
too_many_rejects_stop_the_sink(void **state)
{
	const struct got *r = *state;
	struct given g = { .conf.max_rejects = "1", .three = THREE_FILE,
	    .in = "{x\n{}\n{y\n{}\n" };

	gives(*state, g, 1);
	has(r->err, "transform: 2 of 3 records were rejected, more than "
	    "--max-rejects 1; records that it wrote before the last reject "
	    "may be loaded:\n  2 parse: ");
	has(r->err, "(line 1: {x)");
	g.conf.max_rejects = "2";
	gives(*state, g, 0);
	g.conf.max_rejects = "1.5";
	gives(*state, g, 64);
	g.conf.max_rejects = NULL;
	g.in = "{x\n{x\n{x\n{x\n{x\n{x\n{x\n{x\n{x\n{x\n{x\n"
	    "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n";
	gives(*state, g, 1);            /* the 20th, a good one, decides */
	has(r->err,
	    "11 of 20 records were rejected, more than --max-rejects 50%");
	g.in += 3;
	gives(*state, g, 0);
}

/* The reject of a record with the largest size is longer than that size. */
static void
a_mark_may_be_longer_than_a_record(void **state)
{
	const struct got *r = *state;
	char in[2000];
	size_t n = (size_t)snprintf(in, sizeof(in), "{\"@etl\":\"reject\","
	    "\"v\":1,\"stage\":\"x\",\"raw\":\"");

	memset(in + n, 'r', 1000);
	(void)snprintf(in + n + 1000, sizeof(in) - n - 1000, "\"}\n{}\n");
	gives(*state, (struct given){ .in = in, .conf.max_record = 500 }, 0);
	assert_string_equal(r->out, in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_that_add_up_are_accepted),
		cmocka_unit_test(counts_that_do_not_add_up_exit_with_76),
		cmocka_unit_test(every_boundary_is_checked),
		cmocka_unit_test(nothing_is_read_after_failed),
		cmocka_unit_test(a_sink_gets_marks_of_its_own_stream),
		cmocka_unit_test(a_line_has_one_of_five_faults),
		cmocka_unit_test(rejects_go_to_stdout_or_descriptor_3),
		cmocka_unit_test(a_replay_keeps_its_rejects),
		cmocka_unit_test(
		    a_replay_lends_its_pipeline_to_no_other_stream),
		cmocka_unit_test(too_many_rejects_stop_the_sink),
		cmocka_unit_test(a_mark_may_be_longer_than_a_record),
	};

	(void)unsetenv("ETL_RUN");
	(void)unsetenv("ETL_PIPELINE");
	(void)unsetenv("TRACEPARENT");
	return cmocka_run_group_tests(tests, got_new, got_free);
}
