#include "number/number_doubles.h"

#include "number/number_classes.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

int
numbers_compare(double a, double b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return (signbit(a) == 0) - (signbit(b) == 0);
}

static int
by_double_canonical(const void *x, const void *y, void *table)
{
	const struct numbers *t = table;
	uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
	int c = numbers_compare(t->v[i].d, t->v[j].d);

	if (c == 0 && t->v[i].canonical != t->v[j].canonical)
		return t->v[i].canonical ? -1 : 1;
	return c != 0 ? c : i < j ? -1 : i > j;
}

/* Several different numbers of a record round to the same double d. Returns
 * the double that represents number `nth` of them in libjq; nth counts from 0.
 * `last_used` is the double that was given last.
 * 1. If d is +infinity, number nth gets the nth double below it, or infinity
 *    itself if that double is in use.
 * 2. Number 0 gets d if d is above `last_used`. It also gets d if jq prints d
 *    with the text of the number (canonical) and d is between -2^53 and 2^53.
 * 3. Every other number gets the next double above `last_used`. */
static double
choose_nth_double(double d, uint32_t nth, double last_used, bool canonical)
{
	bool above = numbers_compare(d, last_used) > 0;
	double up = nth == 0 && above ? d : nextafter(last_used, INFINITY);

	if (isinf(d) && d > 0) {
		/* The greatest doubles are 2^971 apart. */
		up = nth == 0 ? d : DBL_MAX - (nth - 1) * 0x1p971;
		return numbers_compare(up, last_used) > 0 ? up : d;
	}
	if (nth == 0 && canonical && fabs(d) < 0x1p53)
		return d;
	return up;
}

/* The numbers of order[from..to) round to the same double. Gives a double of
 * its own to each different number; equal numbers (1 and 1.0) get the same
 * one. `last_used` is the double that was given last; returns its new value.
 * Sets *changed to true if a number may have got another double. */
static double
assign_group(struct numbers *t, uint32_t from, uint32_t to, double last_used,
    bool *changed)
{
	double d = t->v[t->order[from]].d;
	uint32_t k = 0;

	if (numbers_set_classes(t, from, to) == 1 &&
	    (t->rounded || numbers_compare(d, last_used) > 0))
		return d;
	*changed = true;
	if (t->rounded)
		return d;
	t->displaced = true;
	for (uint32_t i = from; i < to; i++) {
		struct number_entry *e = &t->v[t->order[i]];

		if (e->class != t->order[i]) {
			e->d = t->v[e->class].d;
			continue;
		}
		e->d = choose_nth_double(d, k++, last_used, e->canonical);
		if (!isinf(d) || d < 0)
			last_used = e->d;
	}
	return last_used;
}

/* Returns the end of the numbers that have the same double as order[from]. */
static uint32_t
find_group_end(const struct numbers *t, uint32_t from)
{
	double d = t->v[t->order[from]].d;
	uint32_t i = from + 1;

	while (i < t->n && numbers_compare(t->v[t->order[i]].d, d) == 0)
		i++;
	return i;
}

static void
mark_mixed(struct numbers *t)
{
	for (uint32_t i = 0, k; i < t->n; i = k) {
		struct number_entry *first = &t->v[t->order[i]];

		k = find_group_end(t, i);
		for (uint32_t m = i + 1; m < k; m++)
			first->mixed |= t->v[t->order[m]].class != first->class;
	}
}

void
numbers_assign(struct numbers *t)
{
	double last_used = NAN;
	bool changed = false;

	if (t->n == 0)
		return;
	qsort_r(t->order, t->n, sizeof(*t->order), by_double_canonical, t);
	for (uint32_t i = 0, k; i < t->n; i = k) {
		k = find_group_end(t, i);
		last_used = assign_group(t, i, k, last_used, &changed);
	}
	if (!changed)
		return;
	qsort_r(t->order, t->n, sizeof(*t->order), by_double_canonical, t);
	mark_mixed(t);
}

/* Returns the first place from `low` on in `order` whose double is d or above.
 * If `must_be_above` is true, returns the first place whose double is above
 * d. */
static uint32_t
find_place(const struct numbers *t, uint32_t low, double d, bool must_be_above)
{
	uint32_t high = t->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = numbers_compare(t->v[t->order[mid]].d, d);

		if (c < 0 || (must_be_above && c == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
has_double(const struct numbers *t, uint32_t place, double d)
{
	return place < t->n && numbers_compare(t->v[t->order[place]].d, d) == 0;
}

bool
numbers_find(const struct numbers *t, double d, uint32_t *low, uint32_t *high)
{
	*low = *high = find_place(t, 0, d, false);
	if (!has_double(t, *low, d))
		return false;
	++*high;
	if (has_double(t, *high, d))
		*high = find_place(t, *high, d, true);
	return true;
}
