#include "number/numbers.h"

#include "number/number_doubles.h"
#include "number/number_made.h"
#include "number/number_names.h"

#include "json/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
