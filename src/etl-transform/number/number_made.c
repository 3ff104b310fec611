#include "number/number_made.h"

#include "number/number_doubles.h"

#include "json/number.h"

#include <math.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* A number in its normal form and its double. */
struct value {
	double d;
	size_t len;
	char form[];
};

enum { UP, DOWN };

static int
by_double(const void *a, const void *b)
{
	const struct made_number *x = a, *y = b;

	return numbers_compare(x->d, y->d);
}

static int
by_form(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->form, y->form, x->len);
}

static struct made_number *
find_made_number(const struct numbers *t, double d)
{
	const struct made_number key = { .d = d };
	void *node = tfind(&key, &t->made.by_double, by_double);

	return node != NULL ? *(struct made_number **)node : NULL;
}

/* Returns the made number with the double d. If there is none, adds one.
 * Returns NULL and sets t->nomem if memory is out. */
static struct made_number *
take_made_number(struct numbers *t, double d)
{
	struct made_number *m = find_made_number(t, d);

	if (m != NULL)
		return m;
	if ((m = malloc(sizeof(*m))) != NULL) {
		*m = (struct made_number){ .d = d, .next = { NAN, NAN } };
		if (tsearch(m, &t->made.by_double, by_double) != NULL)
			return m;
		free(m);
	}
	t->nomem = true;
	return NULL;
}

/* Sets *p and *n to the text of the first number that has the double d. Returns
 * false if no number has it. */
static bool
find_first_text(const struct numbers *t, double d, const char **p, size_t *n)
{
	const struct made_number *m;
	uint32_t low, high;

	if (numbers_find(t, d, &low, &high)) {
		*p = t->record->text + t->v[t->order[low]].at;
		*n = t->v[t->order[low]].len;
		return true;
	}
	if ((m = number_made_find(t, d)) == NULL)
		return false;
	*p = t->made.text.data + m->first.at;
	*n = m->first.len;
	return true;
}

static struct value *
make_normal_form(struct numbers *t, const char *p, size_t n, double d)
{
	struct value *v = NULL;

	buf_clear(&t->forms);
	number_put_normal(&t->forms, p, n);
	if (!t->forms.failed)
		v = malloc(sizeof(*v) + t->forms.len);
	if (v == NULL) {
		t->nomem = true;
		return NULL;
	}
	v->d = d;
	v->len = t->forms.len;
	memcpy(v->form, t->forms.data, v->len);
	return v;
}

/* Stores the number p[0..n) of the double m->d in by_value, so that its text,
 * which may be very long, is read only once. */
static void
store_normal_form(struct numbers *t, struct made_number *m, const char *p,
    size_t n)
{
	struct value *v = make_normal_form(t, p, n, m->d);
	void *node;

	if (v == NULL)
		return;
	m->known = true;
	node = tsearch(v, &t->made.by_value, by_form);
	if (node == NULL)
		t->nomem = true;
	if (node == NULL || *(struct value **)node != v)
		free(v);
}

/* Searches from d on, upwards or downwards, for a double that no number has.
 * Returns it, or infinity if there is none. Stores the numbers of the doubles
 * on the way in by_value. Sets next[way] of these doubles to the result, so
 * that the next search does not pass them again. */
static double
find_free_double(struct numbers *t, double d, int way)
{
	double end = d, next, toward = way == UP ? INFINITY : 0;
	struct made_number *m;
	const char *p;
	size_t n;

	while (find_first_text(t, end, &p, &n)) {
		if ((m = take_made_number(t, end)) == NULL)
			return d;
		if (!m->known)
			store_normal_form(t, m, p, n);
		if (isnan(m->next[way]))
			m->next[way] = nextafter(end, toward);
		if (numbers_compare(m->next[way], end) == 0)
			break;
		end = m->next[way];
	}
	for (; numbers_compare(d, end) != 0; d = next) {
		if ((m = find_made_number(t, d)) == NULL)
			break;
		next = m->next[way];
		m->next[way] = end;
	}
	return end;
}

/* Chooses a double for the number p[0..n), whose nearest double is d: that of
 * an equal number, or a free one. */
static double
choose_double(struct numbers *t, double d, const char *p, size_t n)
{
	const char *q;
	size_t len;
	struct value *v;
	struct made_number *m;
	double end;
	void *node;

	if (!find_first_text(t, d, &q, &len) ||
	    (len == n && memcmp(p, q, n) == 0))
		return d;
	if (t->rounded) {
		if (!number_equals(p, n, q, len) &&
		    (m = take_made_number(t, d)) != NULL)
			m->mixed = true;
		return d;
	}
	t->displaced = true;
	end = find_free_double(t, d, isinf(d) && d > 0 ? DOWN : UP);
	if ((v = make_normal_form(t, p, n, end)) == NULL)
		return d;
	node = tfind(v, &t->made.by_value, by_form);
	free(v);
	if (node != NULL)
		return (*(struct value **)node)->d;
	if (find_first_text(t, end, &q, &len) &&
	    (m = take_made_number(t, end)) != NULL)
		m->mixed = true;
	return end;
}

static bool
has_text(const struct numbers *t, const struct made_text *m, const char *p,
    size_t n)
{
	return m->len == n && memcmp(t->made.text.data + m->at, p, n) == 0;
}

double
number_made_add(struct numbers *t, double d, bool canonical,
    bool replaces_equal_in_output, const char *p, size_t n)
{
	struct made_number *m;
	struct made_text text = { .len = (uint32_t)n };

	d = choose_double(t, d, p, n);
	if (t->nomem || (m = take_made_number(t, d)) == NULL)
		return d;
	canonical = canonical && m->canonical.len == 0;
	replaces_equal_in_output =
	    replaces_equal_in_output && !has_text(t, &m->instead, p, n);
	if (m->first.len > 0 && !canonical && !replaces_equal_in_output)
		return d;
	text.at = (uint32_t)t->made.text.len;
	buf_add(&t->made.text, p, n);
	t->nomem |= t->made.text.failed;
	if (m->first.len == 0)
		m->first = text;
	if (canonical)
		m->canonical = text;
	if (replaces_equal_in_output)
		m->instead = text;
	return d;
}

const struct made_number *
number_made_find(const struct numbers *t, double d)
{
	const struct made_number *m = find_made_number(t, d);

	return m != NULL && m->first.len > 0 ? m : NULL;
}

void
number_made_clear(struct numbers *t)
{
	buf_clear(&t->made.text);
	if (t->made.by_double != NULL)
		tdestroy(t->made.by_double, free);
	if (t->made.by_value != NULL)
		tdestroy(t->made.by_value, free);
	t->made.by_double = t->made.by_value = NULL;
}
