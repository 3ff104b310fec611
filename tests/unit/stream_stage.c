/* Tests of lib/stream: what filters and sources do for each order of marks. */
#include "stage_help.h"

#define BEGIN "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b7\",\"stages\":" \
    "[\"extract\"]}\n"
#define COUNT(stage, in, out, dropped, rejected) "{\"stage\":\"" stage \
    "\",\"in\":" #in ",\"out\":" #out ",\"dropped\":" #dropped \
    ",\"rejected\":" #rejected "}"
#define END(n) "{\"@etl\":\"end\",\"stages\":[" \
    COUNT("extract", 0, n, 0, 0) "]}\n"
#define POINT(seq, more) "{\"@etl\":\"checkpoint\",\"name\":\"n\"," \
	"\"seq\":" #seq ",\"version\":0,\"value\":\"v\"," more "\"stages\":["
#define REJECT "{\"@etl\":\"reject\",\"v\":1,\"stage\":\"extract\"}\n"

static void
filter(struct got *r, struct given g, int status, const char *out)
{
	if (g.conf.name == NULL)
		g.conf.name = "transform";
	run(r, &g);
	if (r->status != status)
		fail_msg("status %d, not %d: %s", r->status, status, r->err);
	if (out != NULL)
		assert_string_equal(r->out, out);
}

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void
plain_streams_are_passed_on(void **state)
{
	filter(*state, (struct given){ .in = "" }, 0, "");
	filter(*state, (struct given){ .in = "{\"a\":1}\n\n{\"b\":2}" }, 0,
	    "{\"a\":1}\n{\"b\":2}\n");
	filter(*state, (struct given){ .in = "{\"a\":1}\n" REJECT
	    "{\"@etl\":\"later\",\"v\":7}\n{}\n" }, 0, "{\"a\":1}\n" REJECT
	    "{\"@etl\":\"later\",\"v\":7}\n{}\n");
}

static void
marked_streams_get_name_and_counts(void **state)
{
	filter(*state, (struct given){ .in = BEGIN "{\"a\":1}\n{\"drop\":1}\n"
	    "{\"twice\":1}\n" END(3) }, 0,
	    "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b7\",\"stages\":"
	    "[\"extract\",\"transform\"]}\n{\"a\":1}\n{\"twice\":1}\n"
	    "{\"twice\":1}\n{\"@etl\":\"end\",\"stages\":["
	    COUNT("extract", 0, 3, 0, 0) ","
	    COUNT("transform", 3, 3, 1, 0) "]}\n");
	filter(*state, (struct given){ .conf.name = "extract",
	    .in = BEGIN REJECT
	    POINT(2, "\"x\":1e400,") "]}\n"
	    "{\"@etl\":\"end\",\"seq\":2,\"stages\":[]}\n" }, 0,
	    "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b7\",\"stages\":"
	    "[\"extract\",\"extract.2\"]}\n" REJECT
	    POINT(2, "\"x\":1e400,")
	    COUNT("extract.2", 0, 0, 0, 0) "]}\n"
	    "{\"@etl\":\"end\",\"seq\":2,\"stages\":["
	    COUNT("extract.2", 0, 0, 0, 0) "]}\n");
}

static void
saved_streams_may_follow_each_other(void **state)
{
	const struct got *r = *state;

	filter(*state, (struct given){ .in = BEGIN "{}\n" END(1) BEGIN "{}\n"
	    "{}\n"
	    END(2) }, 0, NULL);
	has(r->out, COUNT("transform", 1, 1, 0, 0));
	has(r->out, COUNT("transform", 2, 2, 0, 0));
	filter(*state, (struct given){ .in = BEGIN "{}\n" BEGIN END(1) }, 76,
	    NULL);
	filter(*state, (struct given){ .in = BEGIN END(0) BEGIN }, 75, NULL);
}

static void
marks_in_wrong_order_exit_with_76(void **state)
{
	const struct got *r = *state;
	static const char *const wrong[] = {
		"{}\n" BEGIN, REJECT BEGIN, END(0), "{}\n" END(1),
		BEGIN END(0) "{}\n", BEGIN END(0) REJECT, BEGIN END(0) END(0),
		BEGIN POINT(2, "") "]}\n"
		    POINT(2, "") "]}\n",
		BEGIN POINT(2, "") "]}\n"
		    "{\"@etl\":\"end\",\"stages\":[]}\n",
		BEGIN "{\"@etl\":\"end\",\"seq\":1,\"stages\":[]}\n",
		"{\"@etl\":\"begin\",\"v\":2,\"id\":\"b7\",\"stages\":[]}\n",
		BEGIN "{\"@etl\":\"end\"\n", "{\"\\u0040etl\":\"end\"}\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		filter(*state, (struct given){ .in = wrong[i] }, 76, NULL);
		has(r->err, "transform: line ");
		/* The mark carries the exit code to the later stages. */
		has(r->out, "{\"@etl\":\"failed\",\"stage\":\"transform\","
		    "\"code\":76,");
	}
	filter(*state, (struct given){ .in = BEGIN END(0)
	    "{\"@etl\":\"later\",\"v\":9}\n" }, 0, NULL);
}

static void
a_record_not_counted_is_a_bug(void **state)
{
	const struct got *r = *state;

	filter(*state, (struct given){ .in = BEGIN "{\"forget\":1}\n"
	    "{\"drop\":1}\n" END(2) }, 70, NULL);
	has(r->err, "2 records came in, but 0 passed, 1 were dropped and 0 "
	    "rejected");
	assert_null(strstr(r->out, "\"end\""));
	filter(*state, (struct given){ .in = "{\"forget\":1}\n" }, 70, NULL);
}

static void
a_cut_stream_ends_with_failed(void **state)
{
	const struct got *r = *state;

	filter(*state, (struct given){ .in = BEGIN "{\"a\":1}\n" }, 75, NULL);
	has(r->out, "{\"a\":1}\n{\"@etl\":\"failed\",\"stage\":\"transform\","
	    "\"code\":75,\"message\":\"the stream was cut off");
	filter(*state, (struct given){ .in = BEGIN, .file = true }, 75, NULL);
}

/* If the earlier stage was killed while it wrote a line, that line is neither a
 * record nor a broken mark nor plain input. */
static void
a_torn_line_of_a_cut_stream_is_dropped(void **state)
{
	static const char *const tails[] = { "{\"b\":", "{\"b\":2}",
	    "{\"@etl\":\"en", "{\"@etl\":\"reject\",\"v\":1,\"id" };
	const struct got *r = *state;
	char in[512];

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		(void)snprintf(in, sizeof(in), "%s{\"a\":1}\n%s", BEGIN,
		    tails[i]);
		filter(*state, (struct given){ .in = in }, 75, NULL);
		has(r->out, "{\"a\":1}\n{\"@etl\":\"failed\",");
		assert_null(strstr(r->out, "reject"));
	}
	filter(*state, (struct given){ .in = "{\"@etl\":\"begin\",\"v\"" },
	    75, NULL);
	filter(*state, (struct given){ .in = "{\"a\":1}" }, 0, NULL);
	(void)snprintf(in, sizeof(in), "%s{\"a\":1}\n%s", BEGIN, END(1));
	in[strlen(in) - 1] = '\0';
	filter(*state, (struct given){ .in = in }, 0, NULL);
}

static void
the_first_failed_mark_is_passed_on(void **state)
{
	const struct got *r = *state;
	static const char failed[] = BEGIN "{}\n{\"@etl\":\"failed\",\"stage\":"
	    "\"extract\",\"code\":77,\"message\":\"401\"}\n";

	filter(*state, (struct given){ .in = failed }, 77, NULL);
	has(r->out, "}\n{}\n{\"@etl\":\"failed\",\"stage\":\"extract\","
	    "\"code\":77,\"message\":\"401\"}\n");
	assert_null(strstr(r->out, "\"stage\":\"transform\""));
	assert_string_equal(r->err, "transform: extract: 401\n");
	filter(*state, (struct given){ .in = BEGIN "{\"die\":1}\n"
	    "{}\n" END(2) }, 66,
	    NULL);
	has(r->out, "{\"@etl\":\"failed\",\"stage\":\"transform\",\"code\":66,"
	    "\"message\":\"died of it\",\"printed\":true}\n");
	filter(*state, (struct given){ .in = "{\"die\":1}\n" }, 66, "");
	filter(*state, (struct given){ .in = BEGIN "{\"@etl\":\"failed\","
	    "\"stage\":\"a\",\"code\":9,\"message\":\"\"}\n"
	    "{\"late\":1}\n" }, 9, NULL);
	assert_null(strstr(r->out, "late"));
	filter(*state, (struct given){ .in = "{\"@etl\":\"failed\","
	    "\"stage\":\"x\","
	    "\"code\":64,\"message\":\"usage\"}\n", .run = "6f" }, 64, NULL);
}

/* A stage that cannot start writes the mark failed for the later stages. */
static void
a_stage_that_cannot_start_writes_failed(void **state)
{
	const struct got *r = *state;

	filter(*state, (struct given){ .conf.rejects = "/nowhere/at/all",
	    .in = BEGIN END(0) }, 73, "");
	filter(*state, (struct given){ .in = "{\"die\":1}\n", .run = "6f" }, 76,
	    NULL);
	has(r->out, "{\"@etl\":\"failed\",\"stage\":\"transform\","
	    "\"code\":76,");
	has(r->err, "etl-via");
}

static void
in_a_run_every_stream_has_marks(void **state)
{
	const struct got *r = *state;
	struct stage_conf plain = { .name = "transform", .plain = true };

	filter(*state, (struct given){ .in = "", .run = "6f" }, 75, NULL);
	filter(*state, (struct given){ .in = "{}\n", .run = "6f" }, 76, NULL);
	filter(*state, (struct given){ .in = "{}\n", .file = true, .run = "6f",
	    .pipeline = "posts" }, 0, NULL);
	has(r->out, "\"stream\":\"stdin\",\"run\":\"6f\","
	    "\"pipeline\":\"posts\","
	    "\"stages\":[\"transform\"]}\n{}\n{\"@etl\":\"end\",\"stages\":["
	    COUNT("transform", 1, 1, 0, 0) "]}\n");
	filter(*state, (struct given){ .run = "6f" }, 0, NULL);
	has(r->out, COUNT("transform", 0, 0, 0, 0));
	filter(*state, (struct given){ .conf = plain, .in = "{}\n",
	    .run = "6f" }, 0, NULL);
	has(r->out, COUNT("transform", 1, 1, 0, 0));
	filter(*state, (struct given){ .in = BEGIN END(0), .file = true,
	    .run = "6f" }, 0, NULL);
	has(r->out, "[\"extract\",\"transform\"]");
	filter(*state, (struct given){ .in = "{}\n" END(0), .file = true,
	    .run = "6f" }, 76, NULL);
}

static void
with_plain_marks_are_rejected(void **state)
{
	const struct got *r = *state;

	filter(*state, (struct given){ .conf = { .plain = true },
	    .three = THREE_FILE, .in = BEGIN "{}\n{\"\\u0040etl\":1}\n"
	    REJECT }, 0, "{}\n");
	has(r->three, "\"code\":\"reserved\"");
	has(r->three, "\"raw\":\"{\\\"\\\\u0040etl\\\":1}\"");
}

static void
sources_start_streams(void **state)
{
	const struct got *r = *state;
	struct stage_conf c = { .name = "extract", .source = true };
	struct mark letters = { 0 };
	char pipeline[] = "posts", stage[] = "load";

	filter(*state, (struct given){ .conf = c }, 0,
	    "{\"n\":1}\n{\"n\":1}\n{\"n\":1}\n");
	filter(*state, (struct given){ .conf = c, .run = "6f" }, 0, NULL);
	has(r->out, "{\"@etl\":\"end\",\"stages\":["
	    COUNT("extract", 0, 3, 0, 0) "]}\n");
	c.stream = "posts";
	filter(*state, (struct given){ .conf = c }, 0, NULL);
	has(r->out, "\"stream\":\"posts\",\"stages\":[\"extract\"]}\n"
	    "{\"n\":1}\n");
	letters.pipeline = pipeline;
	letters.stage = stage;
	c.replay = &letters;
	filter(*state, (struct given){ .conf = c }, 0, NULL);
	has(r->out, "\"pipeline\":\"posts\",\"stages\":[\"extract\"],"
	    "\"replay\":true,\"stage\":\"load\"}\n");
	has(r->out, "{\"@etl\":\"resolve\",\"id\":\"9d\",\"seq\":1,"
	    "\"seen\":2,\"upto\":1,\"stages\":["
	    COUNT("extract", 0, 2, 0, 0) "]}\n{\"n\":1}\n"
	    "{\"@etl\":\"end\",\"seq\":1,");
}

static void
sources_write_checkpoints(void **state)
{
	const struct got *r = *state;
	struct stage_conf c = { .name = "extract", .source = true,
	    .checkpoint = "cp", .lookback = true };

	filter(*state, (struct given){ .conf = c }, 0, NULL);
	has(r->out, "\"stream\":\"cp\",\"stages\":[\"extract\"],"
	    "\"checkpoint\":\"cp\",\"lookback\":true}\n{\"n\":1}\n");
	has(r->out, "{\"n\":1}\n{\"@etl\":\"checkpoint\",\"name\":\"cp\","
	    "\"seq\":1,\"from\":\"1\",\"version\":7,\"value\":\"2\","
	    "\"stages\":[" COUNT("extract", 0, 2, 0, 0) "]}\n{\"n\":1}\n"
	    "{\"@etl\":\"end\",\"seq\":1,\"stages\":["
	    COUNT("extract", 0, 3, 0, 0) "]}\n");
	c.lookback = false;
	filter(*state, (struct given){ .conf = c }, 0, NULL);
	has(r->out, "\"from\":null,\"version\":7,");
}

/* A filter with conf.checks checks boundaries as a sink does. */
static void
a_filter_may_check_counts(void **state)
{
	struct stage_conf c = { .name = "save", .checks = true };

	filter(*state, (struct given){ .conf = c, .in = BEGIN "{}\n" END(1) },
	    0, NULL);
	filter(*state, (struct given){ .conf = c, .in = BEGIN "{}\n" END(2) },
	    76, NULL);
	has(((const struct got *)*state)->err, "1 records were lost");
}

static void
a_stop_signal_leaves_whole_lines(void **state)
{
	struct got *g = *state;
	int in[2], out[2];
	char got[400];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	if ((pid = fork()) == 0) {
		struct given none = { .conf.name = "transform" };

		(void)close(in[1]);
		child(&none, in[0], out[1], 2, -1);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	assert_true(write(in[1], BEGIN "{}\n{\"cut", strlen(BEGIN) + 8) > 0);
	got[0] = '\0';
	while (strstr(got, "\n{}\n") == NULL) {         /* written at once */
		n = read(out[0], got + len, sizeof(got) - 1 - len);
		assert_true(n > 0);
		len += (size_t)n;
		got[len] = '\0';
	}
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &g->status, 0), pid);
	assert_true(WIFSIGNALED(g->status));
	assert_int_equal(WTERMSIG(g->status), SIGTERM);
	n = read(out[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	has(got, "\"code\":75,\"message\":\"stopped by signal TERM\","
	    "\"printed\":true}\n");
	(void)close(in[1]);
	(void)close(out[0]);
}

/* No process reads the pipe: the stage gives up one second after SIGTERM. */
static void
a_stop_signal_ends_a_blocked_write(void **state)
{
	struct given none = { .conf.name = "transform" };
	int out[2], in, status, n = 0;
	FILE *f = tmpfile();
	pid_t pid;

	assert_non_null(f);
	for (int i = 0; i < 200000; i++)
		(void)fputs("{\"some\":\"record\"}\n", f);
	(void)fflush(f);
	in = fileno(f);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	assert_int_equal(pipe(out), 0);
	if ((pid = fork()) == 0)
		child(&none, in, out[1], 2, -1);
	(void)usleep(300000);
	assert_int_equal(kill(pid, SIGTERM), 0);
	while (waitpid(pid, &status, WNOHANG) == 0 && n++ < 400)
		(void)usleep(10000);
	assert_true(n < 400);
	assert_true(WIFSIGNALED(status));
	(void)close(out[0]);
	(void)close(out[1]);
	(void)fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_streams_are_passed_on),
		cmocka_unit_test(marked_streams_get_name_and_counts),
		cmocka_unit_test(saved_streams_may_follow_each_other),
		cmocka_unit_test(marks_in_wrong_order_exit_with_76),
		cmocka_unit_test(a_record_not_counted_is_a_bug),
		cmocka_unit_test(a_cut_stream_ends_with_failed),
		cmocka_unit_test(a_torn_line_of_a_cut_stream_is_dropped),
		cmocka_unit_test(the_first_failed_mark_is_passed_on),
		cmocka_unit_test(a_stage_that_cannot_start_writes_failed),
		cmocka_unit_test(in_a_run_every_stream_has_marks),
		cmocka_unit_test(with_plain_marks_are_rejected),
		cmocka_unit_test(sources_start_streams),
		cmocka_unit_test(sources_write_checkpoints),
		cmocka_unit_test(a_filter_may_check_counts),
		cmocka_unit_test(a_stop_signal_leaves_whole_lines),
		cmocka_unit_test(a_stop_signal_ends_a_blocked_write),
	};

	(void)unsetenv("ETL_RUN");
	(void)unsetenv("ETL_PIPELINE");
	(void)unsetenv("TRACEPARENT");
	return cmocka_run_group_tests(tests, got_new, got_free);
}
