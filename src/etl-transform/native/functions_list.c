#include "native/functions.h"

#include <stdlib.h>
#include <string.h>

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
