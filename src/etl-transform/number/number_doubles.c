#include "number/number_doubles.h"

#include "json/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *
numbers_entry_text(const struct numbers *t, const struct number_entry *e)
{
	return (e->tok == NUMBERS_NOWHERE ? t->made.data : t->record->text) +
	    e->at;
}

int
numbers_compare_with_signed_zero(double a, double b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return (signbit(a) == 0) - (signbit(b) == 0);
}

/* Returns true if the number e of the record is the value of a member, or is
 * inside it, and this member has the same name as the member of the output at
 * the place `at`. Escapes are not decoded: a name that the record writes with
 * an escape (\u0061) is different. */
bool
numbers_entry_has_name(const struct numbers *t, const struct number_entry *e,
    const struct number_place *at)
{
	const struct json_tok *tok = &t->record->tok[e->name];

	return e->name != 0 && tok->len == at->len + 2 &&
	    memcmp(t->record->text + tok->at + 1, at->name, at->len) == 0;
}

static int
compare_by_double_then_canonical(const void *x, const void *y, void *table)
{
	const struct numbers *t = table;
	uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
	int c = numbers_compare_with_signed_zero(t->v[i].d, t->v[j].d);

	if (c == 0 && t->v[i].canonical != t->v[j].canonical)
		return t->v[i].canonical ? -1 : 1;
	return c != 0 ? c : i < j ? -1 : i > j;
}

static bool
is_same_number(const struct numbers *t, const struct number_entry *a,
    const struct number_entry *b)
{
	const char *p = numbers_entry_text(t, a), *q = numbers_entry_text(t, b);

	return (a->len == b->len && memcmp(p, q, a->len) == 0) ||
	    number_equals(p, a->len, q, b->len);
}

/* The numbers of order[from..to) round to the same double, but their texts may
 * be different numbers. Sets e->class of each: numbers with the same exact
 * value, such as 1 and 1.0, get the same class; others get another class. */
static void
set_classes_of_equal_numbers(struct numbers *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct number_entry *e = &t->v[t->order[i]];
		uint32_t k = from;

		while (k < i && !is_same_number(t, &t->v[t->order[k]], e))
			k++;
		e->class = k < i ? t->v[t->order[k]].class : t->classes++;
	}
}

/* Several different numbers of a record round to the same double d. Returns
 * the double that represents number k of them (counted from 0) in libjq.
 * `last_used` is the greatest double in use so far. Number 0 gets d, if d is
 * above `last_used`, or if jq prints d with the text of the number
 * (canonical) and d is between -2^53 and 2^53. Other numbers get the next
 * double above `last_used`. But if d is +infinity, number k gets the k-th
 * double below it, or infinity itself if that double is in use. */
static double
double_for_class(double d, uint32_t k, double last_used, bool canonical)
{
	bool above = numbers_compare_with_signed_zero(d, last_used) > 0;
	double up = k == 0 && above ? d : nextafter(last_used, INFINITY);

	if (isinf(d) && d > 0) {
		for (up = d; k > 0; k--)
			up = nextafter(up, 0);
		return numbers_compare_with_signed_zero(up, last_used) > 0 ? up
									   : d;
	}
	if (k == 0 && canonical && fabs(d) < 0x1p53)
		return d;
	return up;
}

/* The numbers of order[from..to) round to the same double. Gives a double of
 * its own to each different number; equal numbers (1 and 1.0) get the same
 * one. `last_used` is the greatest double in use so far; returns its updated
 * value. */
static double
assign_doubles_to_rounded_group(
    struct numbers *t, uint32_t from, uint32_t to, double last_used)
{
	uint32_t base = t->classes, done = base;
	double d = t->v[t->order[from]].d, at;

	set_classes_of_equal_numbers(t, from, to);
	if (t->classes == base + 1 &&
	    numbers_compare_with_signed_zero(d, last_used) > 0)
		return d;
	for (uint32_t i = from; i < to; i++) {
		struct number_entry *e = &t->v[t->order[i]];

		if (e->class < done) {
			for (uint32_t k = from; k < i; k++)
				if (t->v[t->order[k]].class == e->class)
					e->d = t->v[t->order[k]].d;
			continue;
		}
		at = double_for_class(
		    d, e->class - base, last_used, e->canonical);
		last_used = isinf(d) && d > 0 ? last_used : at;
		e->d = at;
		done++;
	}
	return last_used;
}

void
numbers_assign_distinct_doubles(struct numbers *t)
{
	double last_used = NAN;

	t->classes = 0;
	if (t->n == 0)
		return;
	qsort_r(t->order, t->n, sizeof(*t->order),
	    compare_by_double_then_canonical, t);
	for (uint32_t i = 0, k; i < t->n; i = k) {
		double d = t->v[t->order[i]].d;

		for (k = i + 1; k < t->n; k++)
			if (numbers_compare_with_signed_zero(
				t->v[t->order[k]].d, d) != 0)
				break;
		last_used = assign_doubles_to_rounded_group(t, i, k, last_used);
	}
	qsort_r(t->order, t->n, sizeof(*t->order),
	    compare_by_double_then_canonical, t);
}
