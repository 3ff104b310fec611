#include "native/functions.h"

#include "base/datetime.h"
#include "base/text.h"
#include "json/number.h"
#include "module/times.h"
#include "module/words.h"
#include "module/zone.h"
#include "number/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct function functions[] = {
	{ "add", 0, function_add },
	{ "ascii_downcase", 0, function_ascii_downcase },
	{ "ascii_upcase", 0, function_ascii_upcase },
	{ "endswith", 1, function_endswith },
	{ "floor", 0, function_floor },
	{ "from_entries", 0, function_from_entries },
	{ "has", 1, function_has },
	{ "join", 1, function_join },
	{ "keys", 0, function_keys },
	{ "keys_unsorted", 0, function_keys_unsorted },
	{ "length", 0, function_length },
	{ "ltrimstr", 1, function_ltrimstr },
	{ "max", 0, function_max },
	{ "min", 0, function_min },
	{ "not", 0, function_not },
	{ "now", 0, function_now },
	{ "reverse", 0, function_reverse },
	{ "rtrimstr", 1, function_rtrimstr },
	{ "sort", 0, function_sort },
	{ "split", 1, function_split },
	{ "startswith", 1, function_startswith },
	{ "todate", 0, function_todate },
	{ "tojson", 0, function_tojson },
	{ "tonumber", 0, function_tonumber },
	{ "tostring", 0, function_tostring },
	{ "type", 0, function_type },
	{ "unique", 0, function_unique },
	{ "utf8bytelength", 0, function_utf8bytelength },
};

static const struct function module_functions[] = {
	{ "normalize_text", 0, function_normalize_text },
	{ "now_utc", 0, function_now_utc },
	{ "require", 1, function_require },
	{ "title_case", 0, function_title_case },
	{ "to_int", 0, function_to_int },
	{ "to_number", 0, function_to_number },
	{ "to_timestamp", 0, function_to_timestamp },
	{ "to_timestamp", 1, function_to_timestamp_in },
	{ "word_count", 0, function_word_count },
};

/* As jq itself defines them. */
static const struct {
	const char *name;
	size_t arguments;
	const char *text;
} definitions[] = {
	{ "arrays", 0, "def arrays: select(type == \"array\");" },
	{ "booleans", 0, "def booleans: select(type == \"boolean\");" },
	{ "error", 0, "def error: error(.);" },
	{ "first", 0, "def first: .[0];" },
	{ "last", 0, "def last: .[-1];" },
	{ "map", 1, "def map(f): [.[] | f];" },
	{ "nulls", 0, "def nulls: select(. == null);" },
	{ "numbers", 0, "def numbers: select(type == \"number\");" },
	{ "objects", 0, "def objects: select(type == \"object\");" },
	{ "select", 1, "def select(f): if f then . else empty end;" },
	{ "strings", 0, "def strings: select(type == \"string\");" },
	{ "to_entries", 0, "def to_entries: "
	    "[keys_unsorted[] as $k | {key: $k, value: .[$k]}];" },
	{ "values", 0, "def values: select(. != null);" },
	{ "with_entries", 1, "def with_entries(f): "
	    "to_entries | map(f) | from_entries;" },
};

static bool
is_called(const char *name, const char *p, size_t n)
{
	return strlen(name) == n && memcmp(name, p, n) == 0;
}

/* Returns the function of the table with this name and this number of
 * arguments, or NULL. */
static const struct function *
find_in_table(const struct function *f, size_t n, const char *name, size_t len,
    size_t arguments)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].arguments == arguments &&
		    is_called(f[i].name, name, len))
			return &f[i];
	return NULL;
}

const struct function *
function_find(const char *name, size_t len, size_t arguments)
{
	return find_in_table(functions,
	    sizeof(functions) / sizeof(functions[0]), name, len, arguments);
}

const struct function *
function_find_module(const char *name, size_t len, size_t arguments)
{
	return find_in_table(module_functions,
	    sizeof(module_functions) / sizeof(module_functions[0]), name, len,
	    arguments);
}

const char *
function_find_jq(const char *name, size_t len, size_t arguments)
{
	for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]);
	     i++)
		if (definitions[i].arguments == arguments &&
		    is_called(definitions[i].name, name, len))
			return definitions[i].text;
	return NULL;
}

/* Sorts v[0..n) by merging, so that equal values keep their order. */
static bool
sort_values(struct run *r, struct value *v, struct value *spare, size_t n)
{
	size_t half = n / 2, i = 0, k = half, to = 0;
	int order;

	if (n < 2)
		return true;
	if (!sort_values(r, v, spare, half) ||
	    !sort_values(r, v + half, spare, n - half))
		return false;
	memcpy(spare, v, n * sizeof(*v));
	while (i < half && k < n) {
		if (!value_compare(&r->values, spare[i], spare[k], &order))
			return false;
		v[to++] = order <= 0 ? spare[i++] : spare[k++];
	}
	while (i < half)
		v[to++] = spare[i++];
	while (k < n)
		v[to++] = spare[k++];
	return true;
}

/* Sets *list to a sorted copy of the elements of an array, and *n to their
 * number. */
static enum run_result
sort_elements(struct run *r, const struct value *in, struct value **list,
    size_t *n)
{
	struct value v = *in, *spare;

	*list = NULL;
	*n = 0;
	if (v.kind != VALUE_ARRAY)
		return run_error(r);
	if (!value_parse(&r->values, &v) || !values_work(&r->values, v.n))
		return RUN_UNSURE;
	*n = v.n;
	*list = arena_get(&r->values.arena, 2 * *n * sizeof(v) + 1);
	if (*list == NULL)
		return RUN_UNSURE;
	spare = *list + *n;
	if (*n > 0)
		memcpy(*list, v.u.elements, *n * sizeof(v));
	return sort_values(r, *list, spare, *n) ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_sort(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value *v;
	size_t n;
	enum run_result rc = sort_elements(r, in, &v, &n);

	if (rc == RUN_ON && !value_make_array(v, n, out))
		return RUN_UNSURE;
	return rc;
}

/* If the record has numbers such as 1.0, equal values such as 1 and 1.0 may
 * have different texts, and only libjq knows which of them stays. So libjq runs
 * such records. */
enum run_result
function_unique(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value *v;
	size_t n, k = 0;
	int order = 1;
	enum run_result rc = sort_elements(r, in, &v, &n);

	if (rc == RUN_ON && values_classify(&r->values) != NUMBERS_PLAIN)
		return RUN_UNSURE;
	for (size_t i = 0; i < n && rc == RUN_ON; i++) {
		if (k > 0 && !value_compare(
		    &r->values, v[k - 1], v[i], &order))
			return RUN_UNSURE;
		if (k == 0 || order != 0)
			v[k++] = v[i];
	}
	if (rc == RUN_ON && !value_make_array(v, k, out))
		return RUN_UNSURE;
	return rc;
}

/* If several elements are the least or the greatest, returns RUN_UNSURE: only
 * libjq knows which of them is the result. Finds the greatest element if `sign`
 * is 1, the least if it is -1. */
static enum run_result
find_extreme(struct run *r, const struct value *in, int sign, struct value *out)
{
	struct value v = *in;
	int order;

	if (v.kind != VALUE_ARRAY)
		return run_error(r);
	if (!value_parse(&r->values, &v))
		return RUN_UNSURE;
	*out = value_of_kind(VALUE_NULL);
	for (uint32_t i = 0; i < v.n; i++) {
		if (i == 0) {
			*out = v.u.elements[i];
			continue;
		}
		if (!value_compare(
		    &r->values, v.u.elements[i], *out, &order))
			return RUN_UNSURE;
		if (order == 0 && v.u.elements[i].kind > VALUE_TRUE)
			return RUN_UNSURE;
		if (order * sign > 0)
			*out = v.u.elements[i];
	}
	return RUN_ON;
}

enum run_result
function_min(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return find_extreme(r, in, -1, out);
}

enum run_result
function_max(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return find_extreme(r, in, 1, out);
}

/* Only arrays are reversed here. For other values the versions of jq disagree,
 * so libjq must run the record (RUN_UNSURE). */
enum run_result
function_reverse(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in, *list;

	if (v.kind != VALUE_ARRAY || !value_parse(&r->values, &v) ||
	    !values_work(&r->values, v.n) || (list = arena_get(
	    &r->values.arena, v.n * sizeof(v) + 1)) == NULL)
		return RUN_UNSURE;
	for (uint32_t i = 0; i < v.n; i++)
		list[i] = v.u.elements[v.n - 1 - i];
	return value_make_array(list, v.n, out) ? RUN_ON : RUN_UNSURE;
}

static int
by_value_text(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	uint32_t n = x->n < y->n ? x->n : y->n;
	int c = n > 0 ? memcmp(x->u.text, y->u.text, n) : 0;

	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static enum run_result
list_names(struct run *r, const struct value *in, bool sorted,
    struct value *out)
{
	struct value v = *in, *list;
	uint32_t n = v.kind >= VALUE_ARRAY ? value_count(&r->values, &v) : 0;

	if (v.kind < VALUE_ARRAY)
		return run_error(r);
	if (!value_parse(&r->values, &v) ||
	    !values_work(&r->values, n) ||
	    (list = arena_get(&r->values.arena, n * sizeof(v) + 1)) == NULL)
		return RUN_UNSURE;
	for (uint32_t i = 0; i < n; i++)
		list[i] = v.kind == VALUE_ARRAY ? value_number(i) :
		    v.u.members[i].name;
	if (sorted && v.kind == VALUE_OBJECT)
		qsort(list, n, sizeof(*list), by_value_text);
	return value_make_array(list, n, out) ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_keys(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return list_names(r, in, true, out);
}

enum run_result
function_keys_unsorted(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return list_names(r, in, false, out);
}

/* Sets the member `name` in the list m[0..n), which has room for one more.
 * Returns the new number of members. */
static size_t
set_entry(struct member *m, size_t n, const struct value *name,
    const struct value *value)
{
	size_t i = 0;

	while (i < n && by_value_text(&m[i].name, name) != 0)
		i++;
	m[i] = (struct member){ *name, *value };
	return i < n ? n : n + 1;
}

/* Accepts only entries that have a member "key", which is a string, and a
 * member "value". For other entries the versions of jq disagree, so libjq must
 * run the record (RUN_UNSURE). */
enum run_result
function_from_entries(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in, name, value;
	struct member *m;
	size_t n = 0;
	bool key, has_value;

	if (v.kind != VALUE_ARRAY || !value_parse(&r->values, &v) ||
	    !values_work(&r->values, (uint64_t)v.n * v.n / 8 + v.n) ||
	    (m = arena_get(&r->values.arena, v.n * sizeof(*m) + 1)) == NULL)
		return RUN_UNSURE;
	for (uint32_t i = 0; i < v.n; i++) {
		const struct value *e = &v.u.elements[i];

		if (e->kind != VALUE_OBJECT ||
		    !value_find_member(&r->values, e, "key", 3, &name, &key) ||
		    !value_find_member(
		    &r->values, e, "value", 5, &value, &has_value) || !key ||
		    !has_value || name.kind != VALUE_STRING ||
		    !value_parse(&r->values, &name))
			return RUN_UNSURE;
		n = set_entry(m, n, &name, &value);
	}
	return value_make_object(m, n, out) ? RUN_ON : RUN_UNSURE;
}

/* The state of the module etl in the native engine. */

struct run_module {
	struct words *words;
	struct zone_files *zone_files;  /* NULL: the filter uses none */
	struct zone *zone;              /* of the last call */
	struct buf zone_name;
	struct now_text now;
};

int
run_module_open(struct run_module **m, bool zones, struct err *e)
{
	if ((*m = calloc(1, sizeof(**m))) == NULL)
		return err_nomem(e);
	now_text_init(&(*m)->now);
	buf_init(&(*m)->zone_name, UINT32_MAX);
	if (words_open(&(*m)->words, e) == -1)
		return -1;
	return zones ? zone_files_read_all(&(*m)->zone_files, e) : 0;
}

void
run_module_close(struct run_module *m)
{
	if (m == NULL)
		return;
	words_close(m->words);
	zone_free(m->zone);
	zone_files_free(m->zone_files);
	buf_release(&m->zone_name);
	free(m);
}

/* If a name is missing or null, the record is rejected. libjq does this,
 * because only its code writes the message of the reject: returns
 * RUN_UNSURE. */
enum run_result
function_require(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value names = args[0], v;
	bool found;

	if (in->kind != VALUE_OBJECT || names.kind != VALUE_ARRAY ||
	    !value_parse(&r->values, &names))
		return RUN_UNSURE;
	for (uint32_t i = 0; i < names.n; i++) {
		struct value name = names.u.elements[i];

		if (name.kind != VALUE_STRING ||
		    !value_parse(&r->values, &name) ||
		    !value_find_member(&r->values, in, name.u.text, name.n, &v,
		    &found) || !found || v.kind == VALUE_NULL)
			return RUN_UNSURE;
	}
	*out = *in;
	return RUN_ON;
}

static bool
make_string(struct run *r, struct value *out)
{
	struct buf *b = &r->values.text;

	return !b->failed &&
	    value_make_string(&r->values, b->data, b->len, out);
}

enum run_result
function_normalize_text(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in;

	if (v.kind != VALUE_STRING || !value_parse(&r->values, &v))
		return RUN_UNSURE;
	buf_clear(&r->values.text);
	words_normalize(&r->values.text, v.u.text, v.n);
	return make_string(r, out) ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_title_case(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in;

	if (v.kind != VALUE_STRING || !value_parse(&r->values, &v))
		return RUN_UNSURE;
	buf_clear(&r->values.text);
	words_title_case(
	    r->module->words, &r->values.text, v.u.text, v.n);
	return make_string(r, out) ? RUN_ON : RUN_UNSURE;
}

/* Returns true if jq prints all numbers of the record unchanged. Only then the
 * text of a new number does not depend on the numbers of the record. */
static bool
has_plain_numbers(struct run *r)
{
	return values_classify(&r->values) == NUMBERS_PLAIN;
}

enum run_result
function_word_count(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in;

	if (v.kind != VALUE_STRING || !value_parse(&r->values, &v) ||
	    !has_plain_numbers(r))
		return RUN_UNSURE;
	*out = value_number((double)words_count(v.u.text, v.n));
	return RUN_ON;
}

/* Sets *out to the number with the text p[0..n) if jq prints its double with
 * the same text. Otherwise returns RUN_UNSURE: only libjq, with number/, keeps
 * the text. */
static enum run_result
give_canonical(const char *p, size_t n, struct value *out)
{
	double d;
	bool canonical = numbers_is_canonical(p, n, JSON_FRACTION, &d);

	*out = value_number(d);
	return canonical && fabs(d) < 0x1p53 ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_to_int(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct buf *b = &r->values.text;
	struct value v = *in;
	struct decimal decimal;
	const char *p;
	size_t n;
	double d;

	if (!has_plain_numbers(r) || !value_parse(&r->values, &v))
		return RUN_UNSURE;
	*out = v;
	if (v.kind == VALUE_NUMBER)
		return value_double(&r->values, &v, &d) &&
		    fabs(d) < 0x1p53 && d == trunc(d) ? RUN_ON : RUN_UNSURE;
	if (v.kind != VALUE_STRING)
		return RUN_UNSURE;
	n = v.n;
	p = words_trim(v.u.text, &n);
	buf_clear(b);
	if (!decimal_parse(&decimal, p, n) || decimal.exponent != 0 ||
	    !decimal_put_integer(&decimal, b) || b->failed)
		return RUN_UNSURE;
	return give_canonical(b->data, b->len, out);
}

enum run_result
function_to_number(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct buf *b = &r->values.text;
	struct value v = *in;
	char plain[NUMBER_TEXT];
	struct decimal decimal;
	const char *p;
	size_t n;

	*out = v;
	if (v.kind == VALUE_NUMBER)
		return RUN_ON;
	if (v.kind != VALUE_STRING || !has_plain_numbers(r) ||
	    !value_parse(&r->values, &v))
		return RUN_UNSURE;
	n = v.n;
	p = words_trim(v.u.text, &n);
	if (!decimal_parse(&decimal, p, n))
		return RUN_UNSURE;
	buf_clear(b);
	decimal_put_json(&decimal, p + n, b);
	if (b->failed)
		return RUN_UNSURE;
	n = number_put_shortest(plain, number_to_double(b->data, b->len));
	if (number_equals(plain, n, b->data, b->len))
		return give_canonical(plain, n, out);
	return give_canonical(b->data, b->len, out);
}

static enum run_result
give_timestamp(struct run *r, struct value v, const struct zone *zone,
    struct value *out)
{
	struct times_fault f;

	if (v.kind != VALUE_STRING || !value_parse(&r->values, &v))
		return RUN_UNSURE;
	buf_clear(&r->values.text);
	if (times_put_utc(&r->values.text, v.u.text, v.n, zone, &f) == -1)
		return RUN_UNSURE;
	return make_string(r, out) ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_to_timestamp(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return give_timestamp(r, *in, NULL, out);
}

/* Makes m->zone the time zone `name`. Does nothing if it is this zone already,
 * from an earlier call. Returns false if there is no such zone. */
static bool
use_zone(struct run_module *m, const struct value *name)
{
	struct err e = { .code = ERR_NONE };

	if (m->zone != NULL && m->zone_name.len == name->n &&
	    memcmp(m->zone_name.data, name->u.text, name->n) == 0)
		return true;
	zone_free(m->zone);
	m->zone = NULL;
	buf_clear(&m->zone_name);
	buf_add(&m->zone_name, name->u.text, name->n);
	return !m->zone_name.failed && zone_open(&m->zone, m->zone_files,
	    name->u.text, name->n, &e) == 0 && m->zone != NULL;
}

enum run_result
function_to_timestamp_in(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value name = args[0];

	if (name.kind != VALUE_STRING || !value_parse(&r->values,
	    &name) || name.n == 0 || !use_zone(r->module, &name))
		return RUN_UNSURE;
	return give_timestamp(r, *in, r->module->zone, out);
}

enum run_result
function_now_utc(struct run *r,
    const struct value *in __attribute__((unused)),
    const struct value *args __attribute__((unused)), struct value *out)
{
	now_text_update(&r->module->now);
	return value_make_string(&r->values, r->module->now.text,
	    NOW_TEXT_LEN, out) ? RUN_ON : RUN_UNSURE;
}

/* Sets *texts to true if the input and the argument are strings, and decodes
 * the escapes of both in this case. Returns false if libjq must run the
 * record. */
static bool
decode_strings(struct run *r, struct value *in, struct value *arg, bool *texts)
{
	*texts = in->kind == VALUE_STRING && arg->kind == VALUE_STRING;
	return !*texts || (value_parse(&r->values, in) &&
	    value_parse(&r->values, arg) &&
	    values_work(&r->values, 1));
}

static bool
starts_with(const struct value *text, const struct value *start)
{
	return start->n <= text->n && (start->n == 0 ||
	    memcmp(text->u.text, start->u.text, start->n) == 0);
}

static bool
ends_with(const struct value *text, const struct value *end)
{
	return end->n <= text->n && (end->n == 0 || memcmp(text->u.text +
	    text->n - end->n, end->u.text, end->n) == 0);
}

/* Sets *out to the result of the test. It is an error of the filter if one of
 * the values is not a string. */
static enum run_result
test_strings(struct run *r, const struct value *in, const struct value *args,
    bool (*test)(const struct value *text, const struct value *part),
    struct value *out)
{
	struct value text = *in, part = args[0];
	bool texts;

	if (!decode_strings(r, &text, &part, &texts))
		return RUN_UNSURE;
	if (!texts)
		return run_error(r);
	*out = value_bool(test(&text, &part));
	return RUN_ON;
}

enum run_result
function_startswith(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	return test_strings(r, in, args, starts_with, out);
}

enum run_result
function_endswith(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	return test_strings(r, in, args, ends_with, out);
}

enum run_result
function_ltrimstr(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value text = *in, start = args[0];
	bool texts;

	/* From jq 1.8 on it is an error if an argument is not a string. Earlier
	 * versions return the input. So libjq must decide. */
	if (!decode_strings(r, &text, &start, &texts) || !texts)
		return RUN_UNSURE;
	*out = text;
	if (starts_with(&text, &start))
		*out = value_string(
		    text.u.text + start.n, text.n - start.n);
	return RUN_ON;
}

enum run_result
function_rtrimstr(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value text = *in, end = args[0];
	bool texts;

	/* One version of jq does not remove an empty suffix as the others do.
	 * From jq 1.8 on it is an error if an argument is not a string. So
	 * libjq must decide in both cases. */
	if (!decode_strings(r, &text, &end, &texts) || !texts || end.n == 0)
		return RUN_UNSURE;
	*out = text;
	if (ends_with(&text, &end))
		out->n -= end.n;
	return RUN_ON;
}

static enum run_result
change_letters(struct run *r, const struct value *in, char from, char to,
    struct value *out)
{
	struct value v = *in;
	char *p;

	if (v.kind != VALUE_STRING)
		return run_error(r);
	if (!value_parse(&r->values, &v) ||
	    !value_make_string(&r->values, v.u.text, v.n, out))
		return RUN_UNSURE;
	p = (char *)(uintptr_t)out->u.text;
	for (uint32_t i = 0; i < v.n; i++)
		if (p[i] >= from && p[i] <= from + 25)
			p[i] = (char)(p[i] + to - from);
	return RUN_ON;
}

enum run_result
function_ascii_downcase(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return change_letters(r, in, 'A', 'a', out);
}

enum run_result
function_ascii_upcase(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return change_letters(r, in, 'a', 'A', out);
}

static const char *
find_separator(const char *p, const char *end, const struct value *separator)
{
	return memmem(p, (size_t)(end - p), separator->u.text, separator->n);
}

/* Splits text at each separator. If the text is empty, the result is an empty
 * array, as in jq. Returns false if libjq must run the record: always if the
 * separator is empty. */
bool
text_split(struct run *r, const struct value *text,
    const struct value *separator, struct value *out)
{
	struct value t = *text, s = *separator, *v;
	const char *p, *end, *at;
	size_t n = 1;

	if (!value_parse(&r->values, &t) || !value_parse(&r->values,
	    &s) || s.n == 0 || !values_work(&r->values, t.n / 8))
		return false;
	if (t.n == 0)
		return value_make_array(NULL, 0, out);
	p = t.u.text;
	end = p + t.n;
	while ((at = find_separator(p, end, &s)) != NULL) {
		p = at + s.n;
		n++;
	}
	v = arena_get(&r->values.arena, n * sizeof(*v));
	if (v == NULL || !values_work(&r->values, n))
		return false;
	p = t.u.text;
	for (size_t i = 0; i < n; i++) {
		at = i + 1 < n ? find_separator(p, end, &s) : end;
		v[i] = value_string(p, (size_t)(at - p));
		p = at + s.n;
	}
	return value_make_array(v, n, out);
}

enum run_result
function_split(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	if (in->kind != VALUE_STRING || args[0].kind != VALUE_STRING)
		return run_error(r);
	return text_split(r, in, &args[0], out) ? RUN_ON : RUN_UNSURE;
}

/* Appends an element of join(). Returns false for an array or object, because
 * jq raises an error for it. */
static bool
put_joined(struct run *r, struct value v, struct buf *b)
{
	if (v.kind == VALUE_NULL)
		return true;
	if (v.kind >= VALUE_ARRAY || !run_to_text(r, &v, &v))
		return false;
	buf_add(b, v.u.text, v.n);
	return true;
}

enum run_result
function_join(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value v = *in, s = args[0];
	struct buf b;
	bool ok = true;

	if (v.kind != VALUE_ARRAY || s.kind != VALUE_STRING ||
	    !value_parse(&r->values, &v) || !value_parse(&r->values,
	    &s) || !values_work(&r->values, v.n))
		return RUN_UNSURE;
	buf_init(&b, VALUES_MEMORY);
	for (uint32_t i = 0; i < v.n && ok; i++) {
		if (i > 0)
			buf_add(&b, s.u.text, s.n);
		ok = put_joined(r, v.u.elements[i], &b);
	}
	ok = ok && !b.failed &&
	    value_make_string(&r->values, b.data, b.len, out);
	buf_release(&b);
	return ok ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_tojson(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct buf b;
	bool ok;

	buf_init(&b, VALUES_MEMORY);
	ok = value_write_json(&r->values, in, &b) && !b.failed &&
	    value_make_string(&r->values, b.data, b.len, out);
	buf_release(&b);
	return ok ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_tostring(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return run_to_text(r, in, out) ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_length(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in;
	double d = 0;

	if (v.kind == VALUE_FALSE || v.kind == VALUE_TRUE)
		return run_error(r);
	if (v.kind == VALUE_NUMBER && !value_double(&r->values, &v, &d))
		return RUN_UNSURE;
	if (v.kind == VALUE_STRING) {
		if (!value_parse(&r->values, &v) ||
		    !values_work(&r->values, v.n / 8))
			return RUN_UNSURE;
		d = (double)text_count_chars(v.u.text, v.n);
	}
	if (v.kind >= VALUE_ARRAY)
		d = value_count(&r->values, &v);
	*out = value_number(fabs(d));
	return RUN_ON;
}

enum run_result
function_utf8bytelength(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in;

	if (v.kind != VALUE_STRING)
		return run_error(r);
	if (!value_parse(&r->values, &v))
		return RUN_UNSURE;
	*out = value_number(v.n);
	return RUN_ON;
}

enum run_result
function_type(struct run *r __attribute__((unused)), const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	const char *name = value_kind_name(in);

	*out = value_string(name, strlen(name));
	return RUN_ON;
}

enum run_result
function_not(struct run *r __attribute__((unused)), const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	*out = value_bool(!value_is_true(in));
	return RUN_ON;
}

enum run_result
function_floor(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	double d;

	if (in->kind != VALUE_NUMBER)
		return run_error(r);
	if (!value_double(&r->values, in, &d))
		return RUN_UNSURE;
	*out = value_number(floor(d));
	return RUN_ON;
}

enum run_result
function_has(struct run *r, const struct value *in, const struct value *args,
    struct value *out)
{
	struct value name = args[0], v;
	bool found;
	double d;

	if (in->kind == VALUE_OBJECT && name.kind == VALUE_STRING) {
		if (!value_parse(&r->values, &name) ||
		    !value_find_member(&r->values, in, name.u.text, name.n, &v,
		    &found))
			return RUN_UNSURE;
		*out = value_bool(found);
		return RUN_ON;
	}
	/* has() of null is false in jq, and not an error. Leave it to libjq. */
	if (in->kind == VALUE_NULL)
		return RUN_UNSURE;
	if (in->kind != VALUE_ARRAY || name.kind != VALUE_NUMBER)
		return run_error(r);
	if (!value_double(&r->values, &name, &d) || d != floor(d) || d < 0)
		return RUN_UNSURE;
	*out = value_bool(d < value_count(&r->values, in));
	return RUN_ON;
}

/* Converts a string of decimal digits, such as "-12". For all other strings
 * libjq must run the record, because jq could print the number with another
 * text. */
enum run_result
function_tonumber(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in;
	size_t digits;
	double d;

	*out = v;
	if (v.kind == VALUE_NUMBER)
		return RUN_ON;
	if (v.kind != VALUE_STRING)
		return run_error(r);
	if (!value_parse(&r->values, &v) || v.n == 0 || v.n > 15)
		return RUN_UNSURE;
	digits = 0;
	for (uint32_t i = v.u.text[0] == '-'; i < v.n; i++, digits++)
		if (v.u.text[i] < '0' || v.u.text[i] > '9')
			break;
	if (digits == 0 || digits + (v.u.text[0] == '-') != v.n ||
	    (v.u.text[v.u.text[0] == '-'] == '0'))
		return RUN_UNSURE;
	(void)numbers_is_canonical(v.u.text, v.n, 0, &d);
	*out = value_number(d);
	return RUN_ON;
}

static bool
sum_elements(struct run *r, const struct value *v, struct value *sum,
    enum run_result *rc)
{
	*sum = value_of_kind(VALUE_NULL);
	for (uint32_t i = 0; i < v->n && *rc == RUN_ON; i++) {
		struct value old = *sum;

		*rc = run_binary(r, OP_ADD, &old,
		    v->kind == VALUE_ARRAY ? &v->u.elements[i] :
		    &v->u.members[i].value, sum);
	}
	return *rc == RUN_ON;
}

enum run_result
function_add(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct value v = *in;
	enum run_result rc = RUN_ON;

	if (v.kind < VALUE_ARRAY)
		return run_error(r);
	if (!value_parse(&r->values, &v))
		return RUN_UNSURE;
	(void)sum_elements(r, &v, out, &rc);
	return rc;
}

enum run_result
function_now(struct run *r, const struct value *in __attribute__((unused)),
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct timespec t;

	(void)r;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec /= 1000;
	*out = value_number((double)t.tv_sec + (double)t.tv_nsec / 1e6);
	return RUN_ON;
}

enum run_result
function_todate(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	char text[DATETIME_TEXT];
	size_t n;
	double d;

	/* jq also accepts an array as a time: [year, month, day, ...]. libjq
	 * runs this. */
	if (in->kind == VALUE_ARRAY)
		return RUN_UNSURE;
	if (in->kind != VALUE_NUMBER)
		return run_error(r);
	if (!value_double(&r->values, in, &d) || !(d >= 0 && d < 0x1p32))
		return RUN_UNSURE;
	n = datetime_write(text, (int64_t)d);
	text[n] = 'Z';
	return value_make_string(&r->values, text, n + 1, out) ?
	    RUN_ON : RUN_UNSURE;
}
