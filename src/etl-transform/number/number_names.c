#include "number/number_names.h"

#include "number/number_doubles.h"

#include <stdlib.h>
#include <string.h>

/* If there are at most FEW numbers and the name has at most SHORT bytes, the
 * numbers are compared one by one. */
enum { FEW = 32, SHORT = 64 };

/* A number of the record and the place of its member name in `names`. */
struct named_number {
	uint32_t entry, name;
};

static const char *
get_name_text(const struct numbers *t, uint32_t tok, size_t *len)
{
	*len = t->record->tok[tok].len - 2;
	return t->record->text + t->record->tok[tok].at + 1;
}

static int
compare_name(const struct numbers *t, uint32_t tok, const char *p, size_t n)
{
	size_t len;
	const char *q = get_name_text(t, tok, &len);

	if (len != n)
		return len < n ? -1 : 1;
	return memcmp(q, p, n);
}

static int
by_text(const void *a, const void *b, void *table)
{
	const struct numbers *t = table;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	size_t n;
	const char *p = get_name_text(t, y, &n);

	return compare_name(t, x, p, n);
}

/* Sorts by double and then by name; numbers that agree in both are in the order
 * of t->order. */
static int
by_double_name(const void *a, const void *b, void *table)
{
	const struct numbers *t = table;
	const struct named_number *x = a, *y = b;
	const struct number_entry *e = &t->v[x->entry], *f = &t->v[y->entry];
	int c = numbers_compare(e->d, f->d);

	if (c != 0)
		return c;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (e->canonical != f->canonical)
		return e->canonical ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

/* Stores one token of each member name in `names`, sorted by text. For every
 * token of a name, sets place[token] to the position of this name in `names`.
 * Returns false if memory is out. */
static bool
sort_names(struct numbers *t, uint32_t *place)
{
	struct numbers_named *x = &t->named;
	uint32_t n = 0, k = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		n += t->v[i].name != 0 && place[t->v[i].name] == 0;
		place[t->v[i].name] = 1;
	}
	free(x->names);
	if ((x->names = malloc((n + 1) * sizeof(*x->names))) == NULL)
		return false;
	for (uint32_t i = 1, m = 0; m < n; i++)
		if (place[i] != 0)
			x->names[m++] = i;
	qsort_r(x->names, n, sizeof(*x->names), by_text, t);
	for (uint32_t i = 0; i < n; i++) {
		if (k == 0 || by_text(&x->names[k - 1], &x->names[i], t) != 0)
			x->names[k++] = x->names[i];
		place[x->names[i]] = k - 1;
	}
	x->n_names = k;
	return true;
}

static bool
sort_named_numbers(struct numbers *t, const uint32_t *place)
{
	struct numbers_named *x = &t->named;

	free(x->v);
	if ((x->v = malloc((t->n + 1) * sizeof(*x->v))) == NULL)
		return false;
	x->n = 0;
	for (uint32_t i = 0; i < t->n; i++)
		if (t->v[i].name != 0)
			x->v[x->n++] = (struct named_number){
				i, place[t->v[i].name]
			};
	qsort_r(x->v, x->n, sizeof(*x->v), by_double_name, t);
	return true;
}

/* Sorts the names first. Then sorts the numbers of the record by double and by
 * the position of their name. So a long name is compared only while the names
 * are sorted. */
static void
sort_by_name(struct numbers *t)
{
	uint32_t *place = calloc(t->record->n, sizeof(*place));

	t->named.built = true;
	if (place == NULL || !sort_names(t, place) ||
	    !sort_named_numbers(t, place)) {
		t->nomem = true;
		t->named.n = t->named.n_names = 0;
	}
	free(place);
}

/* Returns the place of the name in `names`, or n_names if no number of the
 * record has this name. */
static uint32_t
find_name_place(const struct numbers *t, const struct number_name *name)
{
	uint32_t low = 0, high = t->named.n_names;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = compare_name(
		    t, t->named.names[mid], name->p, name->len);

		if (c == 0)
			return mid;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return t->named.n_names;
}

static const struct number_entry *
find_named_number(const struct numbers *t, double d, uint32_t name)
{
	const struct numbers_named *x = &t->named;
	uint32_t low = 0, high = x->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = numbers_compare(t->v[x->v[mid].entry].d, d);

		if (c < 0 || (c == 0 && x->v[mid].name < name))
			low = mid + 1;
		else
			high = mid;
	}
	if (low == x->n || x->v[low].name != name ||
	    numbers_compare(t->v[x->v[low].entry].d, d) != 0)
		return NULL;
	return &t->v[x->v[low].entry];
}

const struct number_entry *
number_names_find(struct numbers *t, uint32_t low, uint32_t high,
    struct number_name *name)
{
	double d = t->v[t->order[low]].d;

	if (high - low > FEW || name->len > SHORT) {
		if (!t->named.built)
			sort_by_name(t);
		if (name->id == NUMBERS_NAME_UNKNOWN)
			name->id = find_name_place(t, name);
		return find_named_number(t, d, name->id);
	}
	for (uint32_t i = low; i < high; i++) {
		const struct number_entry *e = &t->v[t->order[i]];

		if (e->name != 0 &&
		    compare_name(t, e->name, name->p, name->len) == 0)
			return e;
	}
	return NULL;
}
