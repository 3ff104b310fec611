#include "native/functions.h"

#include "base/text.h"
#include "json/number.h"
#include "number/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	char text[32];
	struct tm tm;
	time_t t;
	double d;

	/* jq also accepts an array as a time: [year, month, day, ...]. libjq
	 * runs this. */
	if (in->kind == VALUE_ARRAY)
		return RUN_UNSURE;
	if (in->kind != VALUE_NUMBER)
		return run_error(r);
	if (!value_double(&r->values, in, &d) || !(d >= 0 && d < 0x1p32))
		return RUN_UNSURE;
	t = (time_t)d;
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return RUN_UNSURE;
	return value_make_string(&r->values, text, strlen(text), out) ?
	    RUN_ON : RUN_UNSURE;
}
