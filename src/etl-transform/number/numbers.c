#include "number/number_doubles.h"
#include "number/numbers.h"

#include "json/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A number of up to 15 significant digits is unchanged after it has been
 * converted to a double and back to decimal digits. */
enum { PLAIN_DIGITS = 15 };

void
numbers_init(struct numbers *t)
{
	*t = (struct numbers){ .n = 0 };
	buf_init(&t->made, UINT32_MAX);
}

void
numbers_release(struct numbers *t)
{
	free(t->v);
	free(t->order);
	buf_release(&t->made);
	numbers_init(t);
}

void
numbers_start_record(struct numbers *t, const struct json *record)
{
	t->record = record;
	t->active = t->nomem = false;
	t->n = 0;
	buf_clear(&t->made);
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

/* Sets *d to the double that is nearest to the number p[0..n). Returns true if
 * jq prints this double with the same text: true for 1.5, false for 1.50. */
static bool
is_canonical(const char *p, size_t n, unsigned int flags, double *d)
{
	char text[NUMBER_TEXT];

	*d = number_to_double(p, n);
	if (!(flags & JSON_FRACTION) && n <= PLAIN_DIGITS)
		return true;
	if ((flags & JSON_FRACTION) && is_plain_fraction(p, n))
		return true;
	return number_put_shortest_nan_as_null(text, *d) == n &&
	       memcmp(text, p, n) == 0;
}

static bool
grow_table_if_full(struct numbers *t)
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
add_record_number(struct numbers *t, uint32_t i, uint32_t name)
{
	const struct json_tok *tok = &t->record->tok[i];
	struct number_entry *e;

	if (!grow_table_if_full(t))
		return;
	e = &t->v[t->n];
	*e = (struct number_entry){
		.at = tok->at, .len = tok->len, .tok = i, .name = name
	};
	e->canonical = is_canonical(t->record->text + tok->at, tok->len,
	    tok->flags, &e->d);
	t->order[t->n] = t->n;
	t->n++;
}

/* Adds all numbers of the JSON value at token i to the table. `name` is the
 * token of the nearest member name around this value. The function calls itself
 * for nested values. json_scan() has limited their depth, so the stack is
 * sufficient. */
static void
add_record_numbers(struct numbers *t, uint32_t i, uint32_t name)
{
	const struct json_tok *tok = t->record->tok;
	uint32_t end = tok[i].next, k = i + 1;

	if (tok[i].type == JSON_NUMBER)
		add_record_number(t, i, name);
	else if (tok[i].type == JSON_ARRAY)
		for (; k < end; k = tok[k].next)
			add_record_numbers(t, k, name);
	else if (tok[i].type == JSON_OBJECT)
		for (; k < end; k = tok[k + 1].next)
			add_record_numbers(t, k + 1, k);
}

static void
fill_table_and_assign_doubles(struct numbers *t)
{
	t->active = true;
	add_record_numbers(t, 0, 0);
	numbers_assign_distinct_doubles(t);
}

/* Returns the double that the number at token `tok` of the record has in libjq.
 * The table is in the order of the tokens, so a binary search finds it. */
static double
find_double_of_token(const struct numbers *t, uint32_t tok)
{
	uint32_t low = 0, high = t->n;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (t->v[mid].tok <= tok)
			low = mid;
		else
			high = mid;
	}
	return t->n == 0 ? 0 : t->v[low].d;
}

void
numbers_get_double_or_fill_table(
    struct numbers *t, uint32_t tok, double *d, bool *must_read_again)
{
	const struct json_tok *k = &t->record->tok[tok];

	if (!t->active) {
		if (is_canonical(t->record->text + k->at, k->len, k->flags, d))
			return;
		fill_table_and_assign_doubles(t);
		for (uint32_t i = 0; i < t->n && t->v[i].tok < tok; i++)
			*must_read_again |= t->v[i].d != number_to_double(
			    numbers_entry_text(t, &t->v[i]), t->v[i].len);
	}
	*d = find_double_of_token(t, tok);
}

/* Finds the numbers that the double d represents, in the index t->order, which
 * is sorted by double. They are order[*low] to order[*high - 1]. Returns false
 * if there is no such number. *low is then the place where one would be
 * inserted. */
static bool
find_entries(const struct numbers *t, double d, uint32_t *low, uint32_t *high)
{
	uint32_t end = t->n;

	*low = 0;
	while (*low < end) {
		uint32_t mid = *low + (end - *low) / 2;

		if (numbers_compare_with_signed_zero(t->v[t->order[mid]].d, d) <
		    0)
			*low = mid + 1;
		else
			end = mid;
	}
	for (*high = *low; *high < t->n; ++*high)
		if (numbers_compare_with_signed_zero(
			t->v[t->order[*high]].d, d) != 0)
			break;
	return *high > *low;
}

static void
insert_made_entry(struct numbers *t, const char *p, size_t n,
    const struct number_entry *like)
{
	uint32_t low, high;
	struct number_entry e = *like;

	e.at = (uint32_t)t->made.len;
	e.len = (uint32_t)n;
	e.tok = NUMBERS_NOWHERE;
	buf_add(&t->made, p, n);
	if (t->made.failed)
		t->nomem = true;
	if (t->nomem || !grow_table_if_full(t))
		return;
	(void)find_entries(t, e.d, &low, &high);
	memmove(t->order + high + 1, t->order + high,
	    (t->n - high) * sizeof(*t->order));
	t->order[high] = t->n;
	t->v[t->n++] = e;
}

double
numbers_add_made_number(
    struct numbers *t, const char *p, size_t n, bool replaces_equal_in_output)
{
	struct number_entry e = { .instead = replaces_equal_in_output };
	double toward = INFINITY;
	uint32_t low, high;

	e.canonical = is_canonical(p, n, JSON_FRACTION, &e.d);
	if (!t->active && e.canonical && fabs(e.d) < 0x1p53)
		return e.d;
	if (!t->active)
		fill_table_and_assign_doubles(t);
	if (isinf(e.d))
		toward = 0;
	while (find_entries(t, e.d, &low, &high)) {
		const struct number_entry *o = &t->v[t->order[low]];

		if (number_equals(numbers_entry_text(t, o), o->len, p, n)) {
			e.class = o->class;
			insert_made_entry(t, p, n, &e);
			return e.d;
		}
		e.d = nextafter(e.d, toward);
	}
	e.class = t->classes++;
	insert_made_entry(t, p, n, &e);
	return e.d;
}

/* The filter writes a double at the place `at` of the output. The numbers of
 * order[low..high) all have this double. Chooses the number whose text is
 * written, for example 1 or 1.0:
 * 1. the number that the record has at the same place;
 * 2. or a number of a member with the same name;
 * 3. or a number whose text is as jq prints it;
 * 4. or the first number.
 * Exception: if a function of the module etl has made a number that replaces
 * the only such number of the record (7 for 7.0), the made number is chosen.
 * Returns NULL if the numbers are not equal, so the right one is unknown. */
static const struct number_entry *
choose_entry_for_place(const struct numbers *t, uint32_t low, uint32_t high,
    const struct number_place *at)
{
	const struct number_entry *first = &t->v[t->order[low]], *e;
	const struct number_entry *best = first, *made = NULL;
	uint32_t records = 0;
	int rank = 0;

	for (uint32_t i = low; i < high; i++) {
		int r = 0;

		e = &t->v[t->order[i]];
		if (e->class != first->class)
			return NULL;
		records += e->tok != NUMBERS_NOWHERE;
		if (e->instead)
			made = e;
		if (e->tok == at->tok && e->tok != NUMBERS_NOWHERE)
			r = 3;
		else if (at->len > 0 && numbers_entry_has_name(t, e, at))
			r = 2;
		else if (e->canonical)
			r = 1;
		if (r > rank) {
			rank = r;
			best = e;
		}
	}
	return made != NULL && records == 1 ? made : best;
}

void
numbers_put_without_place(const struct numbers *t, double d, struct buf *b)
{
	const struct number_place nowhere = { NUMBERS_NOWHERE, NULL, 0 };

	if (!numbers_put_at_unless_ambiguous(t, d, &nowhere, b))
		numbers_put_as_jq_prints(b, d);
}

void
numbers_put_as_jq_prints(struct buf *b, double d)
{
	if (buf_reserve(b, NUMBER_TEXT))
		b->len += number_put_shortest_nan_as_null(b->data + b->len, d);
}

bool
numbers_put_at_unless_ambiguous(const struct numbers *t, double d,
    const struct number_place *at, struct buf *b)
{
	const struct number_entry *e;
	uint32_t low, high;

	if (!t->active || !find_entries(t, d, &low, &high)) {
		numbers_put_as_jq_prints(b, d);
		return true;
	}
	if ((e = choose_entry_for_place(t, low, high, at)) == NULL)
		return false;
	buf_add(b, numbers_entry_text(t, e), e->len);
	return true;
}
