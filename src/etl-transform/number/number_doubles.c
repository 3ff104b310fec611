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
numbers_compare(double a, double b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return (signbit(a) == 0) - (signbit(b) == 0);
}

/* The member name as the record spells it, without escapes: a name with some
 * decides nothing. */
bool
numbers_named(const struct numbers *t, const struct number_entry *e,
    const struct number_place *at)
{
	const struct json_tok *tok = &t->record->tok[e->name];

	return e->name != 0 && tok->len == at->len + 2 &&
	    memcmp(t->record->text + tok->at + 1, at->name, at->len) == 0;
}

static int
by_double(const void *x, const void *y, void *table)
{
	const struct numbers *t = table;
	uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
	int c = numbers_compare(t->v[i].d, t->v[j].d);

	if (c == 0 && t->v[i].canonical != t->v[j].canonical)
		return t->v[i].canonical ? -1 : 1;
	return c != 0 ? c : i < j ? -1 : i > j;
}

static bool
same(const struct numbers *t, const struct number_entry *a,
    const struct number_entry *b)
{
	const char *p = numbers_entry_text(t, a), *q = numbers_entry_text(t, b);

	return (a->len == b->len && memcmp(p, q, a->len) == 0) ||
	    number_same(p, a->len, q, b->len);
}

/* Classes of order[from..to), all of one double; the canonical one first. */
static void
classify(struct numbers *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct number_entry *e = &t->v[t->order[i]];
		uint32_t k = from;

		while (k < i && !same(t, &t->v[t->order[k]], e))
			k++;
		e->class = k < i ? t->v[t->order[k]].class : t->classes++;
	}
}

/* The double of class number k in the run of d, above last. */
static double
place(double d, uint32_t k, double last, bool canonical)
{
	bool above = numbers_compare(d, last) > 0;
	double up = k == 0 && above ? d : nextafter(last, INFINITY);

	if (isinf(d) && d > 0) {
		for (up = d; k > 0; k--)
			up = nextafter(up, 0);
		return up > last ? up : d;
	}
	if (k == 0 && canonical && fabs(d) < 0x1p53)
		return d;
	return up;
}

static double
spread_run(struct numbers *t, uint32_t from, uint32_t to, double last)
{
	uint32_t base = t->classes, done = base;
	double d = t->v[t->order[from]].d, at;

	classify(t, from, to);
	if (t->classes == base + 1 && numbers_compare(d, last) > 0)
		return d;
	for (uint32_t i = from; i < to; i++) {
		struct number_entry *e = &t->v[t->order[i]];

		if (e->class < done) {
			for (uint32_t k = from; k < i; k++)
				if (t->v[t->order[k]].class == e->class)
					e->d = t->v[t->order[k]].d;
			continue;
		}
		at = place(d, e->class - base, last, e->canonical);
		last = isinf(d) && d > 0 ? last : at;
		e->d = at;
		done++;
	}
	return last;
}

void
numbers_spread(struct numbers *t)
{
	double last = NAN;

	t->classes = 0;
	if (t->n == 0)
		return;
	qsort_r(t->order, t->n, sizeof(*t->order), by_double, t);
	for (uint32_t i = 0, k; i < t->n; i = k) {
		double d = t->v[t->order[i]].d;

		for (k = i + 1; k < t->n; k++)
			if (numbers_compare(t->v[t->order[k]].d, d) != 0)
				break;
		last = spread_run(t, i, k, last);
	}
	qsort_r(t->order, t->n, sizeof(*t->order), by_double, t);
}
