#include "native/functions.h"
#include "native/run_module.h"

#include "module/decimal.h"
#include "module/times.h"

#include "json/number.h"
#include "number/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
