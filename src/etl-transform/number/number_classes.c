#include "number/number_classes.h"

#include "json/number.h"

#include <stdlib.h>
#include <string.h>

/* The normal form of the number t->v[t->order[i]] is in the bytes at..at+len of
 * the buffer t->forms. Two numbers are equal if their normal forms have the
 * same bytes. */
struct form {
	uint32_t at, len, i;
};

enum { FEW = 64 };              /* so many forms are kept on the stack */

static int
compare_forms(const struct form *x, const struct form *y, const char *forms)
{
	int c = (x->len > y->len) - (x->len < y->len);

	return c != 0 ? c : memcmp(forms + x->at, forms + y->at, x->len);
}

static int
by_form_order(const void *a, const void *b, void *forms)
{
	const struct form *x = a, *y = b;
	int c = compare_forms(x, y, forms);

	return c != 0 ? c : (x->i > y->i) - (x->i < y->i);
}

static bool
have_one_text(const struct numbers *t, uint32_t from, uint32_t to)
{
	const struct number_entry *first = &t->v[t->order[from]];

	for (uint32_t i = from + 1; i < to; i++) {
		const struct number_entry *e = &t->v[t->order[i]];

		if (e->len != first->len || memcmp(t->record->text + e->at,
		    t->record->text + first->at, e->len) != 0)
			return false;
	}
	return true;
}

/* Writes the normal form of each number to t->forms, once: a number may be
 * compared with many others, and its text may have millions of zeros. */
static bool
put_normal_forms(struct numbers *t, uint32_t from, uint32_t to, struct form *f)
{
	buf_clear(&t->forms);
	for (uint32_t i = from; i < to; i++, f++) {
		const struct number_entry *e = &t->v[t->order[i]];
		size_t at = t->forms.len;

		number_put_normal(&t->forms, t->record->text + e->at, e->len);
		*f = (struct form){
			(uint32_t)at, (uint32_t)(t->forms.len - at), i
		};
	}
	return !t->forms.failed;
}

/* Sorts the normal forms and sets the class of each number. Returns the number
 * of classes. */
static uint32_t
sort_forms(struct numbers *t, struct form *f, uint32_t n)
{
	uint32_t different = 0, class = 0;

	qsort_r(f, n, sizeof(*f), by_form_order, t->forms.data);
	for (uint32_t i = 0; i < n; i++) {
		if (i == 0 ||
		    compare_forms(&f[i - 1], &f[i], t->forms.data) != 0) {
			class = t->order[f[i].i];
			different++;
		}
		t->v[t->order[f[i].i]].class = class;
	}
	return different;
}

uint32_t
numbers_set_classes(struct numbers *t, uint32_t from, uint32_t to)
{
	struct form some[FEW], *f = some;
	uint32_t different = 1;

	for (uint32_t i = from; i < to; i++)
		t->v[t->order[i]].class = t->order[from];
	if (have_one_text(t, from, to))
		return 1;
	if (to - from > FEW &&
	    (f = malloc((to - from) * sizeof(*f))) == NULL) {
		t->nomem = true;
		return 1;
	}
	if (put_normal_forms(t, from, to, f))
		different = sort_forms(t, f, to - from);
	else
		t->nomem = true;
	if (f != some)
		free(f);
	return different;
}
