/* Tests of lib/stream: the bytes and the id of a reject, and --max-rejects. */
#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "json/write.h"
#include "stream/mark.h"
#include "stream/reject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t
member(const struct json *j, const char *name)
{
	return json_member_value(j, 0, name, strlen(name));
}

static void
text_of(struct buf *b, const struct json *j, const char *name)
{
	uint32_t i = member(j, name);

	buf_clear(b);
	if (i != 0 && j->tok[i].type == JSON_STRING)
		json_unescape(b, j, i);
}

/* Decodes the raw bytes of a reject line. */
static void
raw_of(struct buf *b, const struct json *j)
{
	struct buf coded;

	text_of(b, j, "raw");
	if (member(j, "raw") != 0) {
		assert_int_equal(member(j, "raw_base64"), 0);
		return;
	}
	buf_init(&coded, 1 << 24);
	text_of(&coded, j, "raw_base64");
	assert_int_equal(base64_get(b, coded.data, coded.len), 0);
	buf_release(&coded);
}

static void
written(struct buf *line, struct json *j, struct reject_who *w,
    const struct reject *r)
{
	struct err e = { 0 };
	struct json_fault f;

	buf_clear(line);
	assert_int_equal(reject_put_line(line, w, r, &e), 0);
	assert_true(is_mark_line(line->data, line->len));
	assert_null(memchr(line->data, '\n', line->len));
	if (json_scan(j, line->data, line->len, 4, JSON_UNIQUE, &f) == -1)
		fail_msg("%s at %zu: %.*s", f.why, f.at, (int)line->len,
		    line->data);
}

static void
round_trip(const char *raw, size_t len)
{
	struct reject r = { .code = "parse", .raw = raw, .raw_len = len };
	struct reject_who w;
	struct buf line, back;
	struct json j = { 0 };

	buf_init(&line, 1 << 24);
	buf_init(&back, 1 << 24);
	reject_who_init(&w, "extract");
	written(&line, &j, &w, &r);
	raw_of(&back, &j);
	assert_int_equal(back.len, len);
	if (len > 0)
		assert_memory_equal(back.data, raw, len);
	assert_int_equal(
	    member(&j, "raw") != 0, utf8_valid_length(raw, len) == len);
	json_release(&j);
	buf_release(&line);
	buf_release(&back);
}

static void
raw_bytes_round_trip(void **state)
{
	static const char *const texts[] = {
		"", "{}", "\"\\/\b\f\n\r\t", "\x7f", "\xe2\x80\xa8",
		"\xef\xbf\xbf", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xff",
		"\xc3", "{\"a\":\"\\ud800\"}", "\xc0\x80", "</script>",
	};
	char bytes[300];
	unsigned seed = 20260530;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		round_trip(texts[i], strlen(texts[i]));
	round_trip("a\0b", 3);
	for (int c = 0; c < 256; c++) {
		bytes[0] = (char)c;
		round_trip(bytes, 1);
	}
	for (int i = 0; i < 20000; i++) {
		size_t n;

		seed = seed * 1664525 + 1013904223;
		n = (seed >> 8) % sizeof(bytes);
		for (size_t k = 0; k < n; k++) {
			seed = seed * 1664525 + 1013904223;
			bytes[k] = (char)(seed >> (i % 2 ? 16 : 25));
		}
		round_trip(bytes, n);
	}
}

/* With an escape for each byte the reject would be longer than the readers of a
 * stream accept, so base64 is used. */
static void
a_reject_full_of_escapes_stays_short(void **state)
{
	size_t n = 1 << 20;
	char *raw = calloc(1, n);
	struct reject r = { .code = "parse", .raw = raw, .raw_len = n };
	struct reject_who w;
	struct buf line, back;
	struct json j = { 0 };

	assert_non_null(raw);
	buf_init(&line, 2 * n + (1 << 20));
	buf_init(&back, 1 << 24);
	reject_who_init(&w, "extract");
	written(&line, &j, &w, &r);
	raw_of(&back, &j);
	assert_int_equal(back.len, n);
	assert_memory_equal(back.data, raw, n);
	memset(raw, '"', n);
	written(&line, &j, &w, &r);
	raw_of(&back, &j);
	assert_memory_equal(back.data, raw, n);
	json_release(&j);
	buf_release(&line);
	buf_release(&back);
	free(raw);
}

static void
has_text(const struct json *j, const char *name, const char *wanted)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	text_of(&b, j, name);
	assert_string_equal(buf_text(&b), wanted);
	buf_release(&b);
}

static void
a_reject_line_has_every_field(void **state)
{
	struct reject r = {
		.code = "range", .message = "not\nthis \x1b[1m", .raw = "{}",
		.raw_len = 2, .pointer = "/a~1b", .sqlstate = "22003",
		.http_status = 404, .retryable = true, .bytes = 99,
		.sha256 = "5ha", .origin = { .kind = "http",
		    .uri = "https://x/\xc3\xa4", .key = "k", .line = 7,
		    .page = 3, .index = 5, .has_offset = true }
	};
	struct reject_who w;
	struct buf line;
	struct json j = { 0 };
	const char *occurrence;

	(void)setenv("ETL_RUN", "6f1c", 1);
	(void)setenv("ETL_PIPELINE", "posts", 1);
	reject_who_init(&w, "transform");
	(void)unsetenv("ETL_RUN");
	buf_init(&line, 1 << 16);
	written(&line, &j, &w, &r);
	has_text(&j, "run", "6f1c");
	has_text(&j, "pipeline", "posts");
	has_text(&j, "stage", "transform");
	has_text(&j, "code", "range");
	has_text(&j, "message", "not\\nthis \\u001b[1m");
	has_text(&j, "pointer", "/a~1b");
	has_text(&j, "sqlstate", "22003");
	has_text(&j, "sha256", "5ha");
	assert_int_equal(j.tok[member(&j, "retryable")].type, JSON_TRUE);
	assert_non_null(strstr(buf_text(&line), ",\"origin\":{\"kind\":"
	    "\"http\",\"uri\":\"https://x/\xc3\xa4\",\"line\":7,\"offset\":0,"
	    "\"page\":3,\"index\":5,\"key\":\"k\"},\"raw\":\"{}\","
	    "\"bytes\":99,"));
	assert_non_null(strstr(line.data, ",\"http_status\":404,\"at\":\"20"));
	occurrence = line.data + j.tok[member(&j, "occurrence")].at;
	assert_memory_equal(occurrence, "\"6f1c/transform.", 16);
	assert_memory_equal(occurrence + 20, "/1\"", 3);
	json_release(&j);
	buf_release(&line);
}

static void
the_id_is_the_hash_of_its_parts(void **state)
{
	struct reject r = { .code = "parse", .raw = "{x", .raw_len = 2 };
	char id[HASH_HEX];
	struct reject_who w;
	struct buf line;
	struct json j = { 0 };

	(void)setenv("ETL_PIPELINE", "posts", 1);
	reject_who_init(&w, "load");
	buf_init(&line, 1 << 16);
	written(&line, &j, &w, &r);
	hash_bytes("posts\0load\0{x\0", 14, id);
	has_text(&j, "id", id);
	w.stream = "albums";
	written(&line, &j, &w, &r);
	hash_bytes("posts\0albums\0load\0{x\0", 21, id);
	has_text(&j, "id", id);
	has_text(&j, "stream", "albums");
	r.message = "another one";
	written(&line, &j, &w, &r);
	has_text(&j, "id", id);
	(void)unsetenv("ETL_PIPELINE");
	reject_who_init(&w, "load");
	written(&line, &j, &w, &r);
	hash_bytes("\0load\0{x\0", 9, id);
	has_text(&j, "id", id);
	r.sha256 = "ab";
	written(&line, &j, &w, &r);
	hash_bytes("\0load\0{x\0ab\0", 12, id);
	has_text(&j, "id", id);
	r.id = "given";
	written(&line, &j, &w, &r);
	has_text(&j, "id", "given");
	json_release(&j);
	buf_release(&line);
}

static void
reject_limits_are_parsed(void **state)
{
	static const char *const bad[] = { "", "x", "-1", "5 %", "101%", "%",
	    "1.5", "5%%", "99999999999999999999", " 5" };
	struct limit l;
	struct err e = { 0 };

	assert_int_equal(reject_limit_parse(&l, NULL, &e), 0);
	assert_true(l.by_percent && l.percent == 50);
	assert_int_equal(reject_limit_parse(&l, "0", &e), 0);
	assert_true(!l.by_percent && l.count == 0);
	assert_int_equal(reject_limit_parse(&l, "100%", &e), 0);
	assert_true(l.by_percent && l.percent == 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(reject_limit_parse(&l, bad[i], &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
	}
}

static bool
over(const char *limit, uint64_t rejected, uint64_t seen)
{
	struct limit l;
	struct err e = { 0 };

	assert_int_equal(reject_limit_parse(&l, limit, &e), 0);
	return reject_limit_exceeded(
	    &l, &(struct reject_tally){
	    .rejected = rejected, .seen = seen });
}

static bool
over_at_end(const char *limit, uint64_t rejected, uint64_t seen)
{
	struct limit l;
	struct err e = { 0 };

	assert_int_equal(reject_limit_parse(&l, limit, &e), 0);
	return reject_limit_exceeded(
	    &l, &(struct reject_tally){
	    .rejected = rejected, .seen = seen, .ended = true });
}

static void
too_many_rejects_pass_the_limit(void **state)
{
	assert_true(over("0", 1, 1));
	assert_false(over("3", 3, 3));
	assert_true(over("3", 4, 4000));
	assert_false(over("50%", 19, 19));
	assert_false(over("50%", 10, 20));
	assert_true(over("50%", 11, 20));
	assert_false(over_at_end("50%", 4, 4));
	assert_false(over_at_end("50%", 2, 5));
	assert_true(over_at_end("50%", 3, 5));
	assert_true(over_at_end("3", 4, 4));
	assert_false(over("50%", 10, 21));
	assert_true(over("50%", 11, 21));
	assert_false(over("100%", 50, 50));
	assert_false(over("0%", 5, 19));
	assert_true(over("0%", 1, 1000000));
	assert_false(over("1%", 1, 100));
	assert_true(over("1%", 1, 99));
	assert_true(over("1%", 2, 199));
	assert_false(over("33%", 33, 101));
	assert_true(over("33%", 34, 101));
	assert_false(over("50%", UINT64_MAX / 2, UINT64_MAX));
	assert_true(over("50%", UINT64_MAX / 2 + 1, UINT64_MAX));
}

static void
causes_are_counted_without_their_values(void **state)
{
	const struct reject_tally five = { .rejected = 5, .seen = 9 },
	    six = { .rejected = 6, .seen = 9 };
	struct limit l = { .count = 5 };
	struct err e = { 0 };
	struct causes *c;
	struct buf b;
	char code[16];

	buf_init(&b, 1 << 16);
	assert_int_equal(causes_new(&c, &e), 0);
	causes_add(c, "required", "no title", "{\"id\":\x01}", 8, 3);
	causes_add(c, "filter", "Title too short: 'ab'", NULL, 0, 0);
	causes_add(c, "filter", "Title too short: 'c'", NULL, 0, 0);
	causes_add(c, "number", "12 is over 10, isn't it", "x", 1, 0);
	causes_add(c, "number", "9 is over 100, isn't it", "y", 1, 0);
	causes_add(c, "number", "7 is over 8, isn't it", "y", 1, 0);
	causes_add(c, "filter", NULL, NULL, 0, 9);
	causes_put(&b, c, "; ", 4096);
	assert_string_equal(buf_text(&b), "3 number: 12 is over 10, isn't it "
	    "(x); 2 filter: Title too short: 'ab'; 1 required: no title "
	    "(line 3: {\"id\":\\u0001}); 1 filter (line 9)");
	assert_int_equal(reject_check_limit(&l, &five, c, "kept", &e), 0);
	assert_int_equal(reject_check_limit(&l, &six, c, "kept", &e), -1);
	assert_int_equal(err_exit_code(&e), 1);
	assert_non_null(strstr(e.msg, "6 of 9 records were rejected, more than "
	    "--max-rejects 5; kept:\n  3 number: 12 is over 10, isn't it (x)\n"
	    "  2 filter: "));
	buf_clear(&b);
	causes_put(&b, c, "\n", 50);
	assert_string_equal(buf_text(&b),
	    "3 number: 12 is over 10, isn't it (x)\n4 others");
	for (int i = 0; i < 100; i++) {
		(void)snprintf(code, sizeof(code), "c%d", i);
		causes_add(c, code, "", NULL, 0, 0);
	}
	buf_clear(&b);
	causes_put(&b, c, "; ", 4096);
	assert_non_null(strstr(buf_text(&b), "; 84 others"));
	causes_free(c);
	causes_free(NULL);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_bytes_round_trip),
		cmocka_unit_test(a_reject_full_of_escapes_stays_short),
		cmocka_unit_test(a_reject_line_has_every_field),
		cmocka_unit_test(the_id_is_the_hash_of_its_parts),
		cmocka_unit_test(reject_limits_are_parsed),
		cmocka_unit_test(too_many_rejects_pass_the_limit),
		cmocka_unit_test(causes_are_counted_without_their_values),
	};

	(void)unsetenv("ETL_RUN");
	(void)unsetenv("ETL_PIPELINE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
