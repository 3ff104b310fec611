#include "number/numbers.h"

#include "json/number.h"

#include <float.h>
#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The normal form of the number t->v[t->order[i]] is in the bytes at..at+len of
 * the buffer t->forms. Two numbers are equal if their normal forms have the
 * same bytes. */
struct form {
	uint32_t at, len, i;
};

enum { FEW_FORMS = 64 };              /* so many forms are kept on the stack */

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

/* Sets the class of the numbers order[from..to). Returns how many different
 * numbers they are. */
static uint32_t
numbers_set_classes(struct numbers *t, uint32_t from, uint32_t to)
{
	struct form some[FEW_FORMS], *f = some;
	uint32_t different = 1;

	for (uint32_t i = from; i < to; i++)
		t->v[t->order[i]].class = t->order[from];
	if (have_one_text(t, from, to))
		return 1;
	if (to - from > FEW_FORMS &&
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

/* -0 is less than 0. */
static int
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

static void
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

/* Finds the numbers of the record that the double d represents: order[*low] to
 * order[*high - 1]. Returns false if there are none. */
static bool
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

struct made_text {
	uint32_t at, len;       /* in made.text; len 0: none */
};

/* A double that a made number has, or that a search for a free double has
 * passed. If several made numbers have this double, they are spellings of one
 * number. */
struct made_number {
	double d;
	double next[2];         /* where a search upwards, and downwards,
				 * continues; NaN: none has passed */
	struct made_text first, canonical;
	struct made_text instead;       /* of a number that was added with
					 * replaces_equal_in_output */
	bool known;             /* its number is in by_value */
	bool mixed;             /* a different number has this double, too */
};

static const struct made_number *number_made_find(const struct numbers *t,
    double d);

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

static double
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
	    replaces_equal_in_output && (m->instead.len != n ||
	    memcmp(t->made.text.data + m->instead.at, p, n) != 0);
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

/* Returns NULL if no made number has the double d. */
static const struct made_number *
number_made_find(const struct numbers *t, double d)
{
	const struct made_number *m = find_made_number(t, d);

	return m != NULL && m->first.len > 0 ? m : NULL;
}

static void
number_made_clear(struct numbers *t)
{
	buf_clear(&t->made.text);
	if (t->made.by_double != NULL)
		tdestroy(t->made.by_double, free);
	if (t->made.by_value != NULL)
		tdestroy(t->made.by_value, free);
	t->made.by_double = t->made.by_value = NULL;
}

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

static const struct number_entry *
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

/* A number of up to 15 significant digits is unchanged after it has been
 * converted to a double and back to decimal digits. */
enum { PLAIN_DIGITS = 15 };

void
numbers_init(struct numbers *t)
{
	*t = (struct numbers){ .n = 0 };
	buf_init(&t->forms, UINT32_MAX);
	buf_init(&t->made.text, UINT32_MAX);
}

void
numbers_release(struct numbers *t)
{
	free(t->v);
	free(t->order);
	free(t->named.v);
	free(t->named.names);
	number_made_clear(t);
	buf_release(&t->made.text);
	buf_release(&t->forms);
	member_index_release(&t->members);
	numbers_init(t);
}

void
numbers_begin(struct numbers *t, const struct json *record)
{
	t->record = record;
	t->active = false;
	t->displaced = false;
	t->nomem = false;
	t->n = 0;
	t->named.built = false;
	number_made_clear(t);
	member_index_clear(&t->members);
}

/* Returns true for a short fraction such as 12.5, without exponent and without
 * a 0 at the end. jq always prints such a number with the same text. This test
 * is faster than printing the number and comparing the texts. */
static bool
is_plain_fraction(const char *p, size_t n)
{
	if (*p == '-') {
		p++;
		n--;
	}
	if (n < 3 || n > PLAIN_DIGITS + 1 || p[n - 1] == '0')
		return false;
	if (*p == '0' && p[2] == '0')
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] == 'e' || p[i] == 'E')
			return false;
	return true;
}

bool
numbers_is_canonical(
    const char *p, size_t n, unsigned int flags, double *d)
{
	char text[NUMBER_TEXT];

	*d = number_to_double(p, n);
	if (!(flags & JSON_FRACTION) && n <= PLAIN_DIGITS)
		return true;
	if ((flags & JSON_FRACTION) && is_plain_fraction(p, n))
		return true;
	return number_put_shortest(text, *d) == n && memcmp(text, p, n) == 0;
}

enum number_fit
numbers_text_fit(double d, const char *p, size_t n)
{
	char text[NUMBER_TEXT];
	size_t len;

	if (n <= PLAIN_DIGITS && memchr(p, 'e', n) == NULL &&
	    memchr(p, 'E', n) == NULL)
		return NUMBER_HELD;
	if (!isfinite(d))
		return NUMBER_LOST;
	len = number_put_shortest(text, d);
	if (number_equals(text, len, p, n))
		return NUMBER_HELD;
	(void)snprintf(text, sizeof(text), "%.17g", d);
	return number_equals(text, strlen(text), p, n) ? NUMBER_NEAR :
	    NUMBER_LOST;
}

/* Makes room for one more number. Returns false if memory is out. */
static bool
grow_table(struct numbers *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : 64;
	struct number_entry *v;
	uint32_t *order;

	if (t->n < t->cap)
		return true;
	if ((v = realloc(t->v, cap * sizeof(*v))) != NULL)
		t->v = v;
	if ((order = realloc(t->order, cap * sizeof(*order))) != NULL)
		t->order = order;
	if (v == NULL || order == NULL) {
		t->nomem = true;
		return false;
	}
	t->cap = cap;
	return true;
}

static void
add_number(struct numbers *t, uint32_t i, uint32_t name)
{
	const struct json_tok *tok = &t->record->tok[i];
	struct number_entry *e;

	if (!grow_table(t))
		return;
	e = &t->v[t->n];
	*e = (struct number_entry){
		.at = tok->at, .len = tok->len, .tok = i, .name = name
	};
	e->canonical = numbers_is_canonical(t->record->text + tok->at, tok->len,
	    tok->flags, &e->d);
	t->order[t->n] = t->n;
	t->n++;
}

/* Adds all numbers of the JSON value at token i to the table. `name` is the
 * token of the nearest member name around this value. The function calls itself
 * for nested values. json_scan() has limited their depth, so the stack is
 * sufficient. */
static void
add_numbers(struct numbers *t, uint32_t i, uint32_t name)
{
	const struct json_tok *tok = t->record->tok;
	uint32_t end = tok[i].next, k = i + 1;

	if (tok[i].type == JSON_NUMBER)
		add_number(t, i, name);
	else if (tok[i].type == JSON_ARRAY)
		for (; k < end; k = tok[k].next)
			add_numbers(t, k, name);
	else if (tok[i].type == JSON_OBJECT)
		for (; k < end; k = tok[k + 1].next)
			add_numbers(t, k + 1, k);
}

static void
fill_table(struct numbers *t)
{
	t->active = true;
	add_numbers(t, 0, 0);
	numbers_assign(t);
	for (uint32_t i = 0; i < t->n; i++) {
		struct number_entry *e = &t->v[i];

		e->fit = numbers_text_fit(e->d, t->record->text + e->at,
		    e->len);
	}
}

/* Returns the number at token `tok`, or the last number before it; NULL if the
 * record has no numbers. The table is in the order of the tokens, so a binary
 * search finds it. */
static const struct number_entry *
find_entry(const struct numbers *t, uint32_t tok)
{
	uint32_t low = 0, high = t->n;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (t->v[mid].tok <= tok)
			low = mid;
		else
			high = mid;
	}
	return t->n == 0 ? NULL : &t->v[low];
}

enum number_fit
numbers_fit(const struct numbers *t, double d)
{
	const struct made_number *m;
	uint32_t low, high;

	if (!t->active)
		return NUMBER_HELD;
	m = number_made_find(t, d);
	if (m != NULL && m->mixed)
		return NUMBER_MIXED;
	if (numbers_find(t, d, &low, &high))
		return t->v[t->order[low]].mixed ? NUMBER_MIXED :
		    t->v[t->order[low]].fit;
	return m == NULL ? NUMBER_HELD : numbers_text_fit(
	    d, t->made.text.data + m->first.at, m->first.len);
}

void
numbers_get_double(struct numbers *t, uint32_t tok, double *d,
    enum number_fit *fit, bool *must_read_again)
{
	const struct json_tok *k = &t->record->tok[tok];
	const struct number_entry *e;

	*fit = NUMBER_HELD;
	if (!t->active) {
		if (numbers_is_canonical(
		    t->record->text + k->at, k->len, k->flags, d))
			return;
		fill_table(t);
		for (uint32_t i = 0; i < t->n && t->v[i].tok < tok; i++)
			*must_read_again |= t->v[i].d != number_to_double(
			    t->record->text + t->v[i].at, t->v[i].len);
	}
	e = find_entry(t, tok);
	*d = e != NULL ? e->d : 0;
	if (e != NULL)
		*fit = e->fit == NUMBER_LOST ? numbers_fit(t, *d) : e->fit;
}

double
numbers_add_made(struct numbers *t, const char *p, size_t n,
    bool replaces_equal_in_output)
{
	double d;
	bool canonical = numbers_is_canonical(p, n, JSON_FRACTION, &d);

	if (!t->active && canonical && fabs(d) < 0x1p53)
		return d;
	if (!t->active)
		fill_table(t);
	return number_made_add(t, d, canonical, replaces_equal_in_output, p, n);
}

/* The numbers order[low..high) of the record all have one double. Chooses the
 * number whose text is written at the place `at` of the output: the number that
 * the record has at the same place or, if there is none, a number with the same
 * member name. Returns NULL if there is no such number either. */
static const struct number_entry *
choose_entry(struct numbers *t, uint32_t low, uint32_t high,
    const struct number_place *at)
{
	const struct number_entry *e;

	if (at->tok != NUMBERS_NOWHERE &&
	    (e = find_entry(t, at->tok)) != NULL &&
	    e->tok == at->tok && numbers_compare(e->d,
	    t->v[t->order[low]].d) == 0)
		return e;
	if (at->name == NULL || at->name->len == 0)
		return NULL;
	return number_names_find(t, low, high, at->name);
}

static void
put_made_text(const struct numbers *t, const struct made_text *text,
    struct buf *b)
{
	buf_add(b, t->made.text.data + text->at, text->len);
}

static void
put_entry_text(const struct numbers *t, const struct number_entry *e,
    struct buf *b)
{
	buf_add(b, t->record->text + e->at, e->len);
}

/* The filter writes a double at the place `at` of the output. The numbers
 * order[low..high) of the record have this double and, if m is not NULL, so has
 * a number that the module etl has made. Appends the text of one of them:
 * 1. of m, if it replaces the only such number of the record (7 for 7.0);
 * 2. else of the number that choose_entry() chooses;
 * 3. else of a number with the text that jq prints;
 * 4. else of the first number of the record. */
static void
put_chosen_text(struct numbers *t, uint32_t low, uint32_t high,
    const struct made_number *m, const struct number_place *at, struct buf *b)
{
	const struct number_entry *e, *first = &t->v[t->order[low]];

	if (m != NULL && m->instead.len > 0 && high - low == 1)
		put_made_text(t, &m->instead, b);
	else if ((e = choose_entry(t, low, high, at)) != NULL)
		put_entry_text(t, e, b);
	else if (!first->canonical && m != NULL && m->canonical.len > 0)
		put_made_text(t, &m->canonical, b);
	else
		put_entry_text(t, first, b);
}

bool
numbers_put_at(struct numbers *t, double d, bool moved,
    const struct number_place *at, struct buf *b)
{
	const struct made_number *m;
	uint32_t low = 0, high = 0;
	bool found;

	if (!t->active) {
		numbers_put(b, d);
		return true;
	}
	found = numbers_find(t, d, &low, &high);
	m = number_made_find(t, d);
	if ((!found && m == NULL) ||
	    (!moved && numbers_fit(t, d) != NUMBER_HELD))
		numbers_put(b, d);
	else if ((found && t->v[t->order[low]].mixed) ||
	    (m != NULL && m->mixed))
		return false;
	else if (found)
		put_chosen_text(t, low, high, m, at, b);
	else
		put_made_text(t, m->canonical.len > 0 ?
		    &m->canonical : &m->first, b);
	return true;
}

void
numbers_put_text(struct numbers *t, double d, struct buf *b)
{
	const struct number_place nowhere = { NUMBERS_NOWHERE, NULL };

	if (!numbers_put_at(t, d, true, &nowhere, b))
		numbers_put(b, d);
}

void
numbers_put(struct buf *b, double d)
{
	if (buf_reserve(b, NUMBER_TEXT))
		b->len += number_put_shortest(b->data + b->len, d);
}
