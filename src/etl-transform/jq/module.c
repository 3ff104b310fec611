#include "jq/filter.h"

#include "base/hash.h"
#include "json/number.h"
#include "json/pointer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static jv module_reject(const char *code, const char *fmt,
    ...) __attribute__((format(printf, 2, 3)));

enum { SHOWN = 60 };            /* bytes of a value in a message */

/* These two make the error value that rejects the record. `wanted` is the type
 * that the function needs, such as "a number". */
static jv
module_reject(const char *code, const char *fmt, ...)
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

static jv
module_reject_type(const struct module *n, jv v, const char *wanted)
{
	struct buf b;
	jv r;

	buf_init(&b, SHOWN);
	(void)jvalue_write(&b, v, n->numbers, true);
	r = module_reject("type", "%s: %s%s%.*s%s is not %s", n->op->name,
	    jv_kind_name(jv_get_kind(v)), b.failed ? "" : " (",
	    b.failed ? 0 : (int)b.len, b.len > 0 ? b.data : "",
	    b.failed ? "" : ")", wanted);
	buf_release(&b);
	return r;
}

static size_t
string_length(jv string)
{
	return (size_t)jv_string_length_bytes(jv_copy(string));
}

static void
release_names(struct module_names *r)
{
	while (r->count > 0)
		jv_free(r->v[--r->count]);
	free(r->v);
	jv_free(r->names);
	*r = (struct module_names){ .names = jv_null() };
}

static jv
make_missing_error(jv name, bool null)
{
	struct buf b;
	jv r;

	buf_init(&b, UINT32_MAX);
	pointer_put_part(&b, jv_string_value(name), string_length(name));
	r = module_reject("required", "%s%s%s", null ? "" : "no ",
	    jv_string_value(name), null ? " is null" : "");
	r = jv_invalid_get_msg(r);
	r = jv_object_set(r, jv_string("pointer"),
	    jv_string_sized(b.data, (int)b.len));
	buf_release(&b);
	return jv_invalid_with_msg(r);
}

/* Copies the member names, the argument of the jq function require(), into
 * n->required. Returns false if the argument is not an array of strings. In
 * most filters the argument is a constant, so libjq passes the same array in
 * each call. Then the names are copied only once. */
static bool
store_names(struct module *n, jv names)
{
	struct module_names *r = &n->required;
	int count;

	if (r->count > 0 &&
	    jv_identical(jv_copy(names), jv_copy(r->names)))
		return true;
	release_names(r);
	if (jv_get_kind(names) != JV_KIND_ARRAY)
		return false;
	count = jv_array_length(jv_copy(names));
	if ((r->v = calloc((size_t)count + 1, sizeof(*r->v))) == NULL)
		return false;
	r->names = jv_copy(names);
	for (; r->count < count; r->count++) {
		r->v[r->count] = jv_array_get(jv_copy(names), r->count);
		if (jv_get_kind(r->v[r->count]) != JV_KIND_STRING) {
			jv_free(r->v[r->count]);
			release_names(r);
			return false;
		}
	}
	return true;
}

static jv
call_require(struct module *n)
{
	jv record = n->arg[0];

	if (jv_get_kind(record) != JV_KIND_OBJECT)
		return module_reject_type(n, record, "an object");
	if (!store_names(n, n->arg[1]))
		return module_reject_type(n, n->arg[1], "an array of names");
	for (int i = 0; i < n->required.count; i++) {
		jv name = n->required.v[i];
		jv v = jv_object_get(jv_copy(record), jv_copy(name));
		jv_kind kind = jv_get_kind(v);

		jv_free(v);
		if (kind == JV_KIND_INVALID || kind == JV_KIND_NULL)
			return make_missing_error(name, kind == JV_KIND_NULL);
	}
	return jv_copy(record);
}

/* Returns the result of a jq function that converts text. `original` is its
 * argument, n->text the converted text. If both texts are equal, the argument
 * itself is returned. This saves time: if libjq makes a new string, it checks
 * each byte for valid UTF-8. */
static jv
make_text_result(struct module *n, jv original)
{
	if (n->text.len == string_length(original) && (n->text.len == 0 ||
	    memcmp(n->text.data, jv_string_value(original), n->text.len) == 0))
		return jv_copy(original);
	return jv_string_sized(n->text.len > 0 ? n->text.data : "",
	    (int)n->text.len);
}

static jv
call_normalize_text(struct module *n)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) != JV_KIND_STRING)
		return module_reject_type(n, v, "text");
	words_normalize(&n->text, jv_string_value(v), string_length(v));
	return make_text_result(n, v);
}

static jv
call_title_case(struct module *n)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) != JV_KIND_STRING)
		return module_reject_type(n, v, "text");
	words_title_case(
	    n->words, &n->text, jv_string_value(v), string_length(v));
	return make_text_result(n, v);
}

static jv
call_word_count(struct module *n)
{
	jv v = n->arg[0];
	size_t count;
	char text[24];
	int len;

	if (jv_get_kind(v) != JV_KIND_STRING)
		return module_reject_type(n, v, "text");
	count = words_count(jv_string_value(v), string_length(v));
	if (!n->numbers->active)
		return jv_number((double)count);
	len = snprintf(text, sizeof(text), "%zu", count);
	return jv_number(
	    numbers_add_made(n->numbers, text, (size_t)len, false));
}

static jv
call_now_utc(struct module *n)
{
	now_text_update(&n->now);
	return jv_string_sized(n->now.text, NOW_TEXT_LEN);
}

static jv
make_timestamp(struct module *n, jv v, const struct zone *zone)
{
	struct times_fault f;

	if (jv_get_kind(v) != JV_KIND_STRING)
		return module_reject_type(n, v, "a time as text");
	if (times_put_utc(&n->text, jv_string_value(v), string_length(v), zone,
	    &f) == -1)
		return module_reject(f.code, "'%.*s': %s", SHOWN,
		    jv_string_value(v), f.why);
	return make_text_result(n, v);
}

static jv
call_to_timestamp(struct module *n)
{
	return make_timestamp(n, n->arg[0], NULL);
}

/* Returns the time zone, and keeps the last ones open. Returns NULL with *e if
 * there is no such zone. */
static const struct zone *
open_zone(struct module *n, jv name, struct err *e)
{
	struct module_zone *z;

	for (z = n->zones; z < n->zones + MODULE_ZONES; z++)
		if (z->zone != NULL &&
		    jv_equal(jv_copy(z->name), jv_copy(name)))
			return z->zone;
	z = &n->zones[n->next_zone++ % MODULE_ZONES];
	zone_free(z->zone);
	jv_free(z->name);
	z->zone = NULL;
	z->name = jv_copy(name);
	(void)zone_open(&z->zone, n->zone_files, jv_string_value(name),
	    string_length(name), e);
	return z->zone;
}

static jv
call_to_timestamp_in(struct module *n)
{
	struct err e = { .code = ERR_NONE };
	const struct zone *zone;

	if (jv_get_kind(n->arg[1]) != JV_KIND_STRING)
		return module_reject_type(n, n->arg[1], "a time zone");
	if ((zone = open_zone(n, n->arg[1], &e)) == NULL)
		return module_reject("filter", "to_timestamp: %s", e.msg);
	return make_timestamp(n, n->arg[0], zone);
}

static const struct module_op ops[] = {
	{ "require", 2, call_require },
	{ "normalize_text", 1, call_normalize_text },
	{ "title_case", 1, call_title_case },
	{ "word_count", 1, call_word_count },
	{ "to_int", 1, module_to_int },
	{ "to_number", 1, module_to_number },
	{ "to_timestamp", 1, call_to_timestamp },
	{ "to_timestamp_in", 2, call_to_timestamp_in },
	{ "now_utc", 0, call_now_utc },
	{ "call", 0, NULL },            /* the next values are arguments */
};

_Static_assert(sizeof(ops) / sizeof(ops[0]) == MODULE_OPS, "MODULE_OPS");

int
module_init(struct module *n, struct numbers *numbers, bool user_debugs,
    struct err *e)
{
	*n = (struct module){
		.numbers = numbers,
		.user_debugs = user_debugs, .collecting = !user_debugs,
		.required.names = jv_null()
	};
	now_text_init(&n->now);
	random_hex(n->tag, MODULE_TAG - 1);
	buf_init(&n->text, INT32_MAX);
	for (size_t i = 0; i < MODULE_ZONES; i++)
		n->zones[i].name = jv_null();
	return words_open(&n->words, e);
}

void
module_release(struct module *n)
{
	module_forget_call(n);
	for (size_t i = 0; i < MODULE_ZONES; i++) {
		zone_free(n->zones[i].zone);
		jv_free(n->zones[i].name);
	}
	release_names(&n->required);
	words_close(n->words);
	zone_files_free(n->zone_files);
	buf_release(&n->text);
}

void
module_forget_call(struct module *n)
{
	while (n->nargs > 0)
		jv_free(n->arg[--n->nargs]);
	n->op = NULL;
	n->collecting = !n->user_debugs;
}

/* To call a C function, the jq code of the module etl passes a string such as
 * "TAG:to_int" to debug, where TAG is random. Returns the function if v is such
 * a string, or NULL. The string is a constant of the compiled filter and keeps
 * its address. So the address is stored in n->name_address, and later calls
 * compare only addresses, which is faster than comparing texts. */
static const struct module_op *
find_called_op(struct module *n, jv v)
{
	const char *p;

	if (jv_get_kind(v) != JV_KIND_STRING)
		return NULL;
	p = jv_string_value(v);
	for (size_t i = 0; i < MODULE_OPS; i++)
		if (p == n->name_address[i])
			return &ops[i];
	if (string_length(v) < MODULE_TAG ||
	    memcmp(p, n->tag, MODULE_TAG - 1) != 0)
		return NULL;
	for (size_t i = 0; i < MODULE_OPS; i++)
		if (strcmp(p + MODULE_TAG, ops[i].name) == 0) {
			n->name_address[i] = p;
			return &ops[i];
		}
	return NULL;
}

bool
module_take_value(struct module *n, jv v)
{
	const struct module_op *op = find_called_op(n, v);

	if (op != NULL && op->call == NULL) {
		n->collecting = true;
	} else if (op != NULL) {
		n->op = op;
	} else if (n->collecting && n->nargs < MODULE_ARGS) {
		n->arg[n->nargs++] = v;
		return true;
	} else {
		return false;
	}
	jv_free(v);
	return true;
}

bool
module_run_call(struct module *n, jv *result)
{
	if (n->op == NULL || n->nargs != n->op->args)
		return false;
	buf_clear(&n->text);
	*result = n->op->call(n);
	if (n->text.failed)             /* the text is incomplete */
		_exit(ENGINE_NOMEM);
	module_forget_call(n);
	return true;
}

static jv
make_text_error(const struct module *n, const char *code, const char *p,
    size_t len, const char *what)
{
	return module_reject(code, "%s: '%.*s' is not %s", n->op->name,
	    (int)(len < SHOWN ? len : SHOWN), p, what);
}

/* Makes the error value for a text that is not a number. */
static jv
make_number_error(const struct module *n, const char *p, size_t len)
{
	return make_text_error(n, "type", p, len, "a number");
}

/* Makes the error value for a text that is a number, but not an integer,
 * such as 1.5: to_int rejects it, because it would have to change the value. */
static jv
make_integer_error(const struct module *n, const char *p, size_t len)
{
	return make_text_error(n, "number", p, len, "an integer");
}

/* Sets *p and *len to the text of the argument of to_int or to_number. If the
 * argument is a number, its digits are appended to n->text, and *p points
 * there. If the argument is a string, *p is this string without white space at
 * both ends. Returns false for other types. */
static bool
take_number_text(struct module *n, const char **p, size_t *len)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) == JV_KIND_NUMBER) {
		numbers_put_text(n->numbers, jvalue_double(v), &n->text);
		*p = n->text.data;
		*len = n->text.len;
		return true;
	}
	if (jv_get_kind(v) != JV_KIND_STRING)
		return false;
	*len = (size_t)jv_string_length_bytes(jv_copy(v));
	*p = words_trim(jv_string_value(v), len);
	return true;
}

static jv
made_number(struct numbers *t, const char *p, size_t n, bool replaces_equal)
{
	double d = numbers_add_made(t, p, n, replaces_equal);

	return jvalue_number(d, numbers_fit(t, d));
}

jv
module_to_int(struct module *n)
{
	bool number = jv_get_kind(n->arg[0]) == JV_KIND_NUMBER;
	double v = number ? jvalue_double(n->arg[0]) : NAN;
	struct decimal d;
	const char *p;
	size_t len, from;

	if (!n->numbers->active && fabs(v) < 0x1p53 && v == trunc(v))
		return jv_copy(n->arg[0]);
	if (!take_number_text(n, &p, &len))
		return module_reject_type(n, n->arg[0], "a number");
	if (!decimal_parse(&d, p, len))
		return make_number_error(n, p, len);
	from = n->text.len;
	if (!buf_reserve(
	    &n->text, d.wholes + d.fractions + DECIMAL_DIGITS_MAX + 2))
		return make_integer_error(n, p, len);
	/* If the argument is a number, d points to its digits in n->text.
	 * buf_reserve() may have moved n->text, so the digits are parsed
	 * again. */
	if (number)
		(void)decimal_parse(&d, n->text.data, from);
	if (!decimal_put_integer(&d, &n->text))
		return make_integer_error(n, number ? n->text.data : p, len);
	return made_number(n->numbers, n->text.data + from,
	    n->text.len - from, number);
}

jv
module_to_number(struct module *n)
{
	jv v = n->arg[0];
	char plain[NUMBER_TEXT];
	struct decimal d;
	const char *p;
	size_t len, size;

	if (jv_get_kind(v) == JV_KIND_NUMBER)
		return jv_copy(v);
	if (!take_number_text(n, &p, &len))
		return module_reject_type(n, v, "a number");
	if (!decimal_parse(&d, p, len))
		return make_number_error(n, p, len);
	decimal_put_json(&d, p + len, &n->text);
	p = n->text.data;
	len = n->text.len;
	size = number_put_shortest(plain, number_to_double(p, len));
	if (number_equals(plain, size, p, len)) {
		p = plain;
		len = size;
	}
	return made_number(n->numbers, p, len, false);
}
