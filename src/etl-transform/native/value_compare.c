#include "native/value.h"

#include <stdlib.h>
#include <string.h>

static int
compare_texts(const struct value *a, const struct value *b)
{
	uint32_t n = a->n < b->n ? a->n : b->n;
	int c = n > 0 ? memcmp(a->u.text, b->u.text, n) : 0;

	return c != 0 ? c : (a->n > b->n) - (a->n < b->n);
}

static int
by_name(const void *a, const void *b)
{
	const struct member *const *x = a, *const *y = b;

	return compare_texts(&(*x)->name, &(*y)->name);
}

/* Returns pointers to the members of the object, sorted by name. */
static const struct member **
sort_members(struct values *s, const struct value *object)
{
	const struct member **list;

	list = arena_get(&s->arena, (object->n + 1) * sizeof(struct member *));
	if (list == NULL || !values_work(s, object->n))
		return NULL;
	for (uint32_t i = 0; i < object->n; i++)
		list[i] = &object->u.members[i];
	qsort(list, object->n, sizeof(struct member *), by_name);
	return list;
}

static int
compare_numbers(double a, double b)
{
	return (a > b) - (a < b);
}

static bool
compare_arrays(
    struct values *s, const struct value *a, const struct value *b, int *order)
{
	uint32_t n = a->n < b->n ? a->n : b->n;

	*order = 0;
	for (uint32_t i = 0; i < n && *order == 0; i++)
		if (!value_compare(
		    s, a->u.elements[i], b->u.elements[i], order))
			return false;
	if (*order == 0)
		*order = (a->n > b->n) - (a->n < b->n);
	return true;
}

/* As jq does, compares the sorted names of both objects first, and their values
 * only if all names are equal. */
static bool
compare_objects(
    struct values *s, const struct value *a, const struct value *b, int *order)
{
	const struct member **x = sort_members(s, a), **y = sort_members(s, b);
	uint32_t n = a->n < b->n ? a->n : b->n;

	if (x == NULL || y == NULL)
		return false;
	*order = 0;
	for (uint32_t i = 0; i < n && *order == 0; i++)
		*order = compare_texts(&x[i]->name, &y[i]->name);
	if (*order == 0)
		*order = (a->n > b->n) - (a->n < b->n);
	for (uint32_t i = 0; i < n && *order == 0; i++)
		if (!value_compare(s, x[i]->value, y[i]->value, order))
			return false;
	return true;
}

bool
value_compare(struct values *s, struct value a, struct value b, int *order)
{
	double x, y;
	bool held_x, held_y;

	*order = (int)a.kind - (int)b.kind;
	if (!values_work(s, 1))
		return false;
	if (*order != 0 || a.kind < VALUE_NUMBER)
		return true;
	if (a.kind == VALUE_NUMBER) {
		if (!value_order_double(s, &a, &x, &held_x) ||
		    !value_order_double(s, &b, &y, &held_y))
			return false;
		*order = compare_numbers(x, y);
		return *order != 0 || held_x == held_y;
	}
	if (!value_parse(s, &a) || !value_parse(s, &b))
		return false;
	if (a.kind == VALUE_STRING) {
		*order = compare_texts(&a, &b);
		return values_work(s, a.n / 64);
	}
	return a.kind == VALUE_ARRAY ? compare_arrays(s, &a, &b, order) :
	    compare_objects(s, &a, &b, order);
}
