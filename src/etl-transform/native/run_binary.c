#include "native/run.h"

#include "native/functions.h"

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

/* Returns the place of the member in m[0..n), or n if there is none. */
static size_t
member_position(const struct member *m, size_t n, const struct value *name)
{
	size_t i = 0;

	while (i < n && (m[i].name.n != name->n ||
	    memcmp(m[i].name.u.text, name->u.text, name->n) != 0))
		i++;
	return i;
}

/* Members of the second object replace those of the first with the same
 * name. */
static enum run_result
add_objects(struct run *r, const struct value *x, const struct value *y,
    struct value *out)
{
	struct value a = *x, b = *y;
	struct member *m;
	size_t n, at;

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
	for (uint32_t i = 0; i < b.n; i++) {
		at = member_position(m, n, &b.u.members[i].name);
		m[at] = b.u.members[i];
		n += at == n;
	}
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
