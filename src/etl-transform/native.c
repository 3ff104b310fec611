#include "native.h"

#include "times.h"

#include "base/clock.h"
#include "base/hash.h"
#include "json/pointer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 60 };            /* bytes of a value in a message */

jv
native_reject(const char *code, const char *fmt, ...)
{
	va_list ap;
	jv message;

	va_start(ap, fmt);
	message = jv_string_vfmt(fmt, ap);
	va_end(ap);
	return jv_invalid_with_msg(JV_OBJECT(jv_string("@etl"),
	    jv_string("reject"), jv_string("code"), jv_string(code),
	    jv_string("message"), message));
}

static size_t
bytes(jv string)
{
	return (size_t)jv_string_length_bytes(jv_copy(string));
}

jv
native_type(const struct native *n, jv v, const char *wanted)
{
	struct buf b;
	jv r;

	buf_init(&b, SHOWN);
	(void)jvalue_write(&b, v, n->numbers, true);
	r = native_reject("type", "%s: %s%s%.*s%s is not %s", n->op->name,
	    jv_kind_name(jv_get_kind(v)), b.failed ? "" : " (",
	    b.failed ? 0 : (int)b.len, b.len > 0 ? b.data : "",
	    b.failed ? "" : ")", wanted);
	buf_release(&b);
	return r;
}

static jv
missing(jv name, bool null)
{
	struct buf b;
	jv r;

	buf_init(&b, UINT32_MAX);
	pointer_put(&b, jv_string_value(name), bytes(name));
	r = native_reject("required", "%s%s%s", null ? "" : "no ",
	    jv_string_value(name), null ? " is null" : "");
	r = jv_invalid_get_msg(r);
	r = jv_object_set(r, jv_string("pointer"),
	    jv_string_sized(b.data, (int)b.len));
	buf_release(&b);
	jv_free(name);
	return jv_invalid_with_msg(r);
}

static jv
call_require(struct native *n)
{
	jv names = n->arg[0], record = n->arg[1];
	int count;

	if (jv_get_kind(record) != JV_KIND_OBJECT)
		return native_type(n, record, "an object");
	if (jv_get_kind(names) != JV_KIND_ARRAY)
		return native_type(n, names, "an array of names");
	count = jv_array_length(jv_copy(names));
	for (int i = 0; i < count; i++) {
		jv name = jv_array_get(jv_copy(names), i), v;
		jv_kind kind;

		if (jv_get_kind(name) != JV_KIND_STRING) {
			jv_free(name);
			return native_type(n, names, "an array of names");
		}
		v = jv_object_get(jv_copy(record), jv_copy(name));
		kind = jv_get_kind(v);
		jv_free(v);
		if (kind == JV_KIND_INVALID)
			return missing(name, false);
		if (kind == JV_KIND_NULL)
			return missing(name, true);
		jv_free(name);
	}
	return jv_copy(record);
}

/* The result of a text function, whose text stands in n->text. */
static jv
text_result(struct native *n)
{
	return jv_string_sized(n->text.len > 0 ? n->text.data : "",
	    (int)n->text.len);
}

static jv
call_normalize_text(struct native *n)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) != JV_KIND_STRING)
		return native_type(n, v, "text");
	words_normalize(&n->text, jv_string_value(v), bytes(v));
	return text_result(n);
}

static jv
call_title_case(struct native *n)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) != JV_KIND_STRING)
		return native_type(n, v, "text");
	words_title(n->words, &n->text, jv_string_value(v), bytes(v));
	return text_result(n);
}

static jv
call_word_count(struct native *n)
{
	jv v = n->arg[0];
	char text[24];
	int len;

	if (jv_get_kind(v) != JV_KIND_STRING)
		return native_type(n, v, "text");
	len = snprintf(text, sizeof(text), "%zu",
	    words_count(jv_string_value(v), bytes(v)));
	return jv_number(numbers_add(n->numbers, text, (size_t)len, false));
}

static jv
call_now_utc(struct native *n __attribute__((unused)))
{
	char text[CLOCK_STAMP];

	clock_stamp(text);
	return jv_string(text);
}

static jv
timestamp(struct native *n, jv v, const struct zone *zone)
{
	struct times_fault f;

	if (jv_get_kind(v) != JV_KIND_STRING)
		return native_type(n, v, "a time as text");
	if (times_utc(&n->text, jv_string_value(v), bytes(v), zone, &f) == -1)
		return native_reject(f.code, "'%.*s': %s", SHOWN,
		    jv_string_value(v), f.why);
	return text_result(n);
}

static jv
call_to_timestamp(struct native *n)
{
	return timestamp(n, n->arg[0], NULL);
}

static const struct zone *
find_zone(struct native *n, jv name, struct err *e)
{
	struct native_zone *z;

	for (z = n->zones; z < n->zones + NATIVE_ZONES; z++)
		if (z->zone != NULL &&
		    jv_equal(jv_copy(z->name), jv_copy(name)))
			return z->zone;
	z = &n->zones[n->next_zone++ % NATIVE_ZONES];
	zone_free(z->zone);
	jv_free(z->name);
	z->zone = NULL;
	z->name = jv_copy(name);
	(void)zone_open(&z->zone, jv_string_value(name), bytes(name), e);
	return z->zone;
}

static jv
call_to_timestamp_in(struct native *n)
{
	struct err e = { .code = ERR_NONE };
	const struct zone *zone;

	if (jv_get_kind(n->arg[0]) != JV_KIND_STRING)
		return native_type(n, n->arg[0], "a time zone");
	if ((zone = find_zone(n, n->arg[0], &e)) == NULL)
		return native_reject("filter", "to_timestamp: %s", e.msg);
	return timestamp(n, n->arg[1], zone);
}

static const struct native_op ops[] = {
	{ "require", 2, call_require },
	{ "normalize_text", 1, call_normalize_text },
	{ "title_case", 1, call_title_case },
	{ "word_count", 1, call_word_count },
	{ "to_int", 1, native_to_int },
	{ "to_number", 1, native_to_number },
	{ "to_timestamp", 1, call_to_timestamp },
	{ "to_timestamp_in", 2, call_to_timestamp_in },
	{ "now_utc", 0, call_now_utc },
};

int
native_init(struct native *n, struct numbers *numbers, struct err *e)
{
	*n = (struct native){ .numbers = numbers };
	random_hex(n->tag, NATIVE_TAG - 1);
	buf_init(&n->text, INT32_MAX);
	for (size_t i = 0; i < NATIVE_ZONES; i++)
		n->zones[i].name = jv_null();
	return words_open(&n->words, e);
}

void
native_release(struct native *n)
{
	native_reset(n);
	for (size_t i = 0; i < NATIVE_ZONES; i++) {
		zone_free(n->zones[i].zone);
		jv_free(n->zones[i].name);
	}
	words_close(n->words);
	buf_release(&n->text);
}

void
native_reset(struct native *n)
{
	while (n->have > 0)
		jv_free(n->arg[--n->have]);
	n->op = NULL;
}

static const struct native_op *
find_op(const struct native *n, jv v)
{
	const size_t count = sizeof(ops) / sizeof(ops[0]);
	const char *p;

	if (jv_get_kind(v) != JV_KIND_STRING || bytes(v) < NATIVE_TAG)
		return NULL;
	p = jv_string_value(v);
	if (memcmp(p, n->tag, NATIVE_TAG - 1) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strcmp(p + NATIVE_TAG, ops[i].name) == 0)
			return &ops[i];
	return NULL;
}

bool
native_debug(struct native *n, jv v)
{
	const struct native_op *op;

	if (n->op != NULL && n->have < n->op->args) {
		n->arg[n->have++] = v;
		return true;
	}
	if ((op = find_op(n, v)) == NULL)
		return false;
	native_reset(n);
	n->op = op;
	jv_free(v);
	return true;
}

bool
native_input(struct native *n, jv *result)
{
	if (n->op == NULL || n->have < n->op->args)
		return false;
	buf_clear(&n->text);
	*result = n->op->call(n);
	native_reset(n);
	return true;
}
