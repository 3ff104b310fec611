#include "native/functions.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* Sets *out to the number d. If it is infinite or NaN, libjq must run the
 * record (RUN_UNSURE), because the versions of jq disagree about such
 * numbers. */
static enum run_result
give_finite(double d, struct value *out)
{
	*out = value_number(d);
	return isfinite(d) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
remainder_of(double a, double b, struct value *out)
{
	if (!(a >= 0 && a < 0x1p52 && b >= 1 && b < 0x1p52))
		return RUN_UNSURE;
	*out = value_number((double)((int64_t)a % (int64_t)b));
	return RUN_ON;
}

static enum run_result
compute_numbers(struct run *r, enum operation op, const struct value *x,
    const struct value *y, struct value *out)
{
	double a, b;

	if (!value_double(&r->values, x, &a) ||
	    !value_double(&r->values, y, &b))
		return RUN_UNSURE;
	switch (op) {
	case OP_ADD:
		return give_finite(a + b, out);
	case OP_SUBTRACT:
		return give_finite(a - b, out);
	case OP_MULTIPLY:
		return give_finite(a * b, out);
	case OP_DIVIDE:
		return b == 0 ? RUN_UNSURE : give_finite(a / b, out);
	case OP_REMAINDER:
		return remainder_of(a, b, out);
	default:
		return RUN_UNSURE;
	}
}

static enum run_result
add_strings(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y;
	size_t n;
	char *text;

	if (!value_parse(&r->values, &a) || !value_parse(&r->values, &b))
		return RUN_UNSURE;
	n = (size_t)a.n + b.n;
	text = arena_get(&r->values.arena, n + 1);
	if (text == NULL || !values_work(&r->values, n / 16))
		return RUN_UNSURE;
	if (a.n > 0)
		memcpy(text, a.u.text, a.n);
	if (b.n > 0)
		memcpy(text + a.n, b.u.text, b.n);
	*out = value_string(text, n);
	return RUN_ON;
}

static enum run_result
add_arrays(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y, *v;
	size_t n;

	if (!value_parse(&r->values, &a) || !value_parse(&r->values, &b))
		return RUN_UNSURE;
	n = (size_t)a.n + b.n;
	v = arena_get(&r->values.arena, n * sizeof(*v) + 1);
	if (v == NULL || !values_work(&r->values, n))
		return RUN_UNSURE;
	if (a.n > 0)
		memcpy(v, a.u.elements, a.n * sizeof(*v));
	if (b.n > 0)
		memcpy(v + a.n, b.u.elements, b.n * sizeof(*v));
	return value_make_array(v, n, out) ? RUN_ON : RUN_UNSURE;
}

size_t
run_set_member(struct member *m, size_t n, struct value name,
    struct value value)
{
	size_t i = 0;

	while (i < n && (m[i].name.n != name.n ||
	    memcmp(m[i].name.u.text, name.u.text, name.n) != 0))
		i++;
	m[i] = (struct member){ name, value };
	return i < n ? n : n + 1;
}

/* Members of the second object replace those of the first with the same
 * name. */
static enum run_result
add_objects(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y;
	struct member *m;
	size_t n;

	if (!value_parse(&r->values, &a) ||
	    !value_parse(&r->values, &b) ||
	    !values_work(&r->values, (uint64_t)(a.n + b.n) * b.n / 8 + a.n))
		return RUN_UNSURE;
	m = arena_get(&r->values.arena, ((size_t)a.n + b.n) * sizeof(*m) + 1);
	if (m == NULL)
		return RUN_UNSURE;
	if (a.n > 0)
		memcpy(m, a.u.members, a.n * sizeof(*m));
	n = a.n;
	for (uint32_t i = 0; i < b.n; i++)
		n = run_set_member(m, n, b.u.members[i].name,
		    b.u.members[i].value);
	return value_make_object(m, n, out) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
add_values(struct run *r, const struct value *a, const struct value *b,
    struct value *out)
{
	if (a->kind == VALUE_NULL || b->kind == VALUE_NULL) {
		*out = a->kind == VALUE_NULL ? *b : *a;
		return RUN_ON;
	}
	if (a->kind != b->kind)
		return run_error(r);
	switch ((enum value_kind)a->kind) {
	case VALUE_NUMBER:
		return compute_numbers(r, OP_ADD, a, b, out);
	case VALUE_STRING:
		return add_strings(r, a, b, out);
	case VALUE_ARRAY:
		return add_arrays(r, a, b, out);
	case VALUE_OBJECT:
		return add_objects(r, a, b, out);
	default:
		return run_error(r);
	}
}

static bool
array_contains(struct run *r, const struct value *array, const struct value *v,
    bool *found)
{
	int order = 1;

	for (uint32_t i = 0; i < array->n && order != 0; i++)
		if (!value_compare(
		    &r->values, array->u.elements[i], *v, &order))
			return false;
	*found = order == 0;
	return true;
}

/* Sets *out to an array of the elements of x that are not in the array y. */
static enum run_result
subtract_arrays(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y, *v;
	size_t n = 0;
	bool found;

	if (!value_parse(&r->values, &a) ||
	    !value_parse(&r->values, &b) ||
	    (v = arena_get(&r->values.arena, a.n * sizeof(*v) + 1)) == NULL)
		return RUN_UNSURE;
	for (uint32_t i = 0; i < a.n; i++) {
		if (!array_contains(r, &b, &a.u.elements[i], &found))
			return RUN_UNSURE;
		if (!found)
			v[n++] = a.u.elements[i];
	}
	return value_make_array(v, n, out) ? RUN_ON : RUN_UNSURE;
}

static enum run_result
compare_by(struct run *r, enum operation op, const struct value *a,
    const struct value *b, struct value *out)
{
	int order;
	bool yes;

	if (!value_compare(&r->values, *a, *b, &order))
		return RUN_UNSURE;
	switch (op) {
	case OP_EQUAL:
		yes = order == 0;
		break;
	case OP_UNEQUAL:
		yes = order != 0;
		break;
	case OP_LESS:
		yes = order < 0;
		break;
	case OP_LESS_EQUAL:
		yes = order <= 0;
		break;
	case OP_GREATER:
		yes = order > 0;
		break;
	default:
		yes = order >= 0;
		break;
	}
	*out = value_bool(yes);
	return RUN_ON;
}

enum run_result
run_binary(struct run *r, enum operation op, const struct value *a,
    const struct value *b, struct value *out)
{
	if (op >= OP_EQUAL)
		return compare_by(r, op, a, b, out);
	if (op == OP_ADD)
		return add_values(r, a, b, out);
	if (a->kind == VALUE_NUMBER && b->kind == VALUE_NUMBER)
		return compute_numbers(r, op, a, b, out);
	if (op == OP_SUBTRACT && a->kind == VALUE_ARRAY &&
	    b->kind == VALUE_ARRAY)
		return subtract_arrays(r, a, b, out);
	if (op == OP_DIVIDE && a->kind == VALUE_STRING &&
	    b->kind == VALUE_STRING)
		return text_split(r, a, b, out) ? RUN_ON : RUN_UNSURE;
	/* For a text or an object, the versions of jq disagree about what *
	 * does. */
	return op == OP_MULTIPLY ? RUN_UNSURE : run_error(r);
}

enum run_result
run_negate(struct run *r, const struct value *v, struct value *out)
{
	double d;

	if (v->kind != VALUE_NUMBER)
		return run_error(r);
	/* The versions of jq disagree about -0 and about the text of -(1.0). */
	if (!value_double(&r->values, v, &d) || d == 0 ||
	    v->form == VALUE_SPELLED)
		return RUN_UNSURE;
	*out = value_number(-d);
	return RUN_ON;
}

/* Returns true if the index is an integer of at most 31 bits: all versions of
 * jq agree about these. */
static bool
is_small_integer(struct run *r, const struct value *v, double *d)
{
	return v->kind == VALUE_NUMBER && value_double(&r->values, v, d) &&
	    *d == trunc(*d) && fabs(*d) < INT32_MAX;
}

static enum run_result
index_array(struct run *r, const struct value *v, const struct value *key,
    struct value *out)
{
	const struct json_tok *tok = r->values.record->tok;
	uint32_t n = value_count(&r->values, v), k;
	double d;

	if (!is_small_integer(r, key, &d) || !values_work(&r->values, 1))
		return RUN_UNSURE;
	*out = value_of_kind(VALUE_NULL);
	if (d < 0)
		d += n;
	if (d < 0 || d >= n)
		return RUN_ON;
	if (v->form != VALUE_TOKEN) {
		*out = v->u.elements[(uint32_t)d];
		return RUN_ON;
	}
	k = v->u.token + 1;
	for (uint32_t i = 0; i < (uint32_t)d; i++)
		k = tok[k].next;
	*out = value_of_token(&r->values, k);
	return values_work(&r->values, (uint64_t)d / 4) ? RUN_ON : RUN_UNSURE;
}

enum run_result
run_index(struct run *r, const struct value *v, const struct value *key,
    struct value *out)
{
	struct value name = *key;
	bool found;

	if (key->kind != VALUE_STRING && key->kind != VALUE_NUMBER)
		return RUN_UNSURE;
	if (v->kind == VALUE_NULL) {
		*out = *v;
		return RUN_ON;
	}
	if (v->kind == VALUE_ARRAY && key->kind == VALUE_NUMBER)
		return index_array(r, v, key, out);
	if (v->kind != VALUE_OBJECT || key->kind != VALUE_STRING)
		return run_error(r);
	if (!value_parse(&r->values, &name) ||
	    !value_find_member(&r->values, v, name.u.text, name.n, out, &found))
		return RUN_UNSURE;
	if (!found)
		*out = value_of_kind(VALUE_NULL);
	return RUN_ON;
}

/* Sets [*from, *to) to the elements or characters that the slice names, of n in
 * total. Returns false if libjq must run the record. */
static bool
get_slice_bounds(struct run *r, const struct value ends[2], uint32_t n,
    uint32_t *from, uint32_t *to)
{
	double d[2] = { 0, n };

	for (int i = 0; i < 2; i++) {
		if (ends[i].kind != VALUE_NULL &&
		    !is_small_integer(r, &ends[i], &d[i]))
			return false;
		if (d[i] < 0)
			d[i] += n;
		d[i] = d[i] < 0 ? 0 : d[i] > n ? n : d[i];
	}
	*from = (uint32_t)d[0];
	*to = d[1] < d[0] ? *from : (uint32_t)d[1];
	return true;
}

/* Returns the position after the first n characters at p, which are valid
 * UTF-8. */
static const char *
skip_characters(const char *p, uint32_t n)
{
	while (n-- > 0) {
		p++;
		while ((*p & 0xc0) == 0x80)
			p++;
	}
	return p;
}

static enum run_result
slice_string(struct run *r, struct value v, const struct value ends[2],
    struct value *out)
{
	uint32_t from, to;
	const char *p, *end;

	/* skip_characters() reads one byte after the text. So copy the text,
	 * with a NUL after it: after another string there may be any byte. */
	if (!value_parse(&r->values, &v) ||
	    !value_make_string(&r->values, v.u.text, v.n, &v))
		return RUN_UNSURE;
	((char *)(uintptr_t)v.u.text)[v.n] = '\0';
	if (!values_work(&r->values, v.n / 8) ||
	    !get_slice_bounds(r, ends,
		(uint32_t)text_count_chars(v.u.text, v.n), &from, &to))
		return RUN_UNSURE;
	p = skip_characters(v.u.text, from);
	end = skip_characters(p, to - from);
	*out = value_string(p, (size_t)(end - p));
	return RUN_ON;
}

enum run_result
run_slice(struct run *r, const struct value *value,
    const struct value ends[2], struct value *out)
{
	struct value v = *value;
	uint32_t first, last;

	for (int i = 0; i < 2; i++)
		if (ends[i].kind != VALUE_NULL && ends[i].kind != VALUE_NUMBER)
			return RUN_UNSURE;
	if (v.kind == VALUE_NULL) {
		*out = v;
		return RUN_ON;
	}
	if (v.kind == VALUE_STRING)
		return slice_string(r, v, ends, out);
	if (v.kind != VALUE_ARRAY)
		return run_error(r);
	if (!value_parse(&r->values, &v) ||
	    !get_slice_bounds(r, ends, v.n, &first, &last) ||
	    !values_work(&r->values, last - first) ||
	    !value_make_array(v.u.elements + first, last - first, out))
		return RUN_UNSURE;
	return RUN_ON;
}

bool
run_to_text(struct run *r, const struct value *v, struct value *out)
{
	struct buf b;
	bool ok;

	*out = *v;
	if (v->kind == VALUE_STRING)
		return value_parse(&r->values, out);
	buf_init(&b, VALUES_MEMORY);
	ok = value_write_json(&r->values, v, &b) && !b.failed &&
	    value_make_string(&r->values, b.data, b.len, out);
	buf_release(&b);
	return ok;
}
