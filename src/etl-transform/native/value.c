#include "native/value.h"

#include "json/number.h"
#include "json/write.h"
#include "number/numbers.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct value
value_of_token(const struct values *s, uint32_t token)
{
	static const uint8_t kind[] = {
		[JSON_NULL] = VALUE_NULL, [JSON_FALSE] = VALUE_FALSE,
		[JSON_TRUE] = VALUE_TRUE, [JSON_NUMBER] = VALUE_NUMBER,
		[JSON_STRING] = VALUE_STRING, [JSON_ARRAY] = VALUE_ARRAY,
		[JSON_OBJECT] = VALUE_OBJECT
	};
	const struct json_tok *t = &s->record->tok[token];

	if (t->type == JSON_STRING && (t->flags & JSON_ESCAPED) == 0)
		return value_string(s->record->text + t->at + 1, t->len - 2);
	return (struct value){
		.kind = kind[t->type], .form = VALUE_TOKEN, .u.token = token
	};
}

const char *
value_kind_name(const struct value *v)
{
	static const char *const name[] = { "null", "boolean", "boolean",
		"number", "string", "array", "object" };

	return name[v->kind];
}

bool
value_make_string(
    struct values *s, const char *p, size_t n, struct value *out)
{
	char *copy;

	if (n > UINT32_MAX || !values_work(s, n / 16) ||
	    (copy = arena_get(&s->arena, n + 1)) == NULL)
		return false;
	if (n > 0)
		memcpy(copy, p, n);
	*out = value_string(copy, n);
	return true;
}

/* Returns the depth of an array or object that contains v. A value of the
 * record counts as one level, although it may have more: json_scan() has
 * limited its levels already. */
static unsigned int
depth_around(const struct value *v)
{
	if (v->kind < VALUE_ARRAY)
		return 1;
	return v->form == VALUE_TOKEN ? 2 : v->depth + 1U;
}

bool
value_make_array(const struct value *v, size_t n, struct value *out)
{
	unsigned int depth = 1;

	for (size_t i = 0; i < n; i++)
		if (depth_around(&v[i]) > depth)
			depth = depth_around(&v[i]);
	*out = (struct value){
		.kind = VALUE_ARRAY, .depth = (uint16_t)depth,
		.n = (uint32_t)n, .u.elements = v
	};
	return depth < VALUES_DEPTH && n < UINT32_MAX;
}

bool
value_make_object(const struct member *m, size_t n, struct value *out)
{
	unsigned int depth = 1;

	for (size_t i = 0; i < n; i++)
		if (depth_around(&m[i].value) > depth)
			depth = depth_around(&m[i].value);
	*out = (struct value){
		.kind = VALUE_OBJECT, .depth = (uint16_t)depth,
		.n = (uint32_t)n, .u.members = m
	};
	return depth < VALUES_DEPTH && n < UINT32_MAX;
}

uint32_t
value_count(struct values *s, const struct value *v)
{
	const struct json_tok *tok = s->record->tok;
	uint32_t n = 0, end, k;

	if (v->form != VALUE_TOKEN)
		return v->n;
	if (tok[v->u.token].members < UINT16_MAX)
		return tok[v->u.token].members;
	end = tok[v->u.token].next;
	for (k = v->u.token + 1; k < end; k = tok[k].next, n++)
		if (v->kind == VALUE_OBJECT)
			k++;
	s->work += n / 8;
	return n;
}

static bool
parse_array_token(struct values *s, struct value *v)
{
	const struct json_tok *tok = s->record->tok;
	uint32_t n = value_count(s, v), i = v->u.token + 1;
	struct value *e;

	if (!values_work(s, n) ||
	    (e = arena_get(&s->arena, (n + 1) * sizeof(*e))) == NULL)
		return false;
	for (uint32_t k = 0; k < n; k++, i = tok[i].next)
		e[k] = value_of_token(s, i);
	return value_make_array(e, n, v);
}

static bool
parse_object_token(struct values *s, struct value *v)
{
	const struct json_tok *tok = s->record->tok;
	uint32_t n = value_count(s, v), i = v->u.token + 1;
	struct member *m;

	if (!values_work(s, n) ||
	    (m = arena_get(&s->arena, (n + 1) * sizeof(*m))) == NULL)
		return false;
	for (uint32_t k = 0; k < n; k++, i = tok[i + 1].next) {
		m[k].name = value_of_token(s, i);
		m[k].value = value_of_token(s, i + 1);
		if (!value_parse(s, &m[k].name))
			return false;
	}
	return value_make_object(m, n, v);
}

bool
value_parse(struct values *s, struct value *v)
{
	if (v->form != VALUE_TOKEN)
		return true;
	if (v->kind == VALUE_STRING) {
		buf_clear(&s->text);
		json_unescape(&s->text, s->record, v->u.token);
		return !s->text.failed &&
		    value_make_string(s, s->text.data, s->text.len, v);
	}
	if (v->kind == VALUE_ARRAY)
		return parse_array_token(s, v);
	return v->kind != VALUE_OBJECT || parse_object_token(s, v);
}

/* Returns the token of the member's value, or 0. Compares the names without
 * decoding them, so the record must have no escapes. */
static uint32_t
find_member_token(const struct values *s, uint32_t object, const char *name,
    size_t len)
{
	const struct json_tok *tok = s->record->tok;

	for (uint32_t k = object + 1; k < tok[object].next;
	     k = tok[k + 1].next)
		if (tok[k].len == len + 2 && memcmp(
		    s->record->text + tok[k].at + 1, name, len) == 0)
			return k + 1;
	return 0;
}

bool
value_find_member(struct values *s, const struct value *object,
    const char *name, size_t len, struct value *out, bool *found)
{
	uint32_t token;

	*found = false;
	if (!values_work(s, value_count(s, object) / 8 + 1))
		return false;
	if (object->form == VALUE_TOKEN) {
		token = (s->record->flags & JSON_ESCAPED) == 0 ?
		    find_member_token(s, object->u.token, name, len) :
		    json_member_value(s->record, object->u.token, name, len);
		*found = token != 0;
		if (*found)
			*out = value_of_token(s, token);
		return true;
	}
	for (uint32_t i = 0; i < object->n; i++) {
		const struct member *m = &object->u.members[i];

		if (m->name.n == len &&
		    memcmp(m->name.u.text, name, len) == 0) {
			*out = m->value;
			*found = true;
			break;
		}
	}
	return true;
}

struct writer {
	struct values *values;
	struct buf *b;
	bool json;              /* as jq's tojson */
	unsigned int depth;     /* made containers around the value */
};

static bool write_value(struct writer *w, const struct value *v);

static bool
is_same_text(const struct json *j, uint32_t a, uint32_t b)
{
	const struct json_tok *x = &j->tok[a], *y = &j->tok[b];

	return x->len == y->len &&
	    memcmp(j->text + x->at, j->text + y->at, x->len) == 0;
}

/* Called if the record has numbers that jq would print with another text.
 * Stores the doubles of all its numbers in s->doubles. Returns true if numbers
 * with the same double always have the same text. */
static bool
store_doubles(struct values *s)
{
	const struct json *j = s->record;
	uint32_t token[NUMBERS_MANY], n = 0;
	double *d = s->doubles;

	for (uint32_t i = 0; i < j->n; i++) {
		if (j->tok[i].type != JSON_NUMBER)
			continue;
		if (n == NUMBERS_MANY)
			return false;
		d[n] = number_to_double(j->text + j->tok[i].at, j->tok[i].len);
		token[n] = i;
		if (!isfinite(d[n]))
			return false;
		for (uint32_t k = 0; k < n; k++)
			if (d[k] == d[n] && !is_same_text(j, token[k], i))
				return false;
		s->ndoubles = ++n;
	}
	return true;
}

enum value_numbers
values_classify(struct values *s)
{
	const struct json *j = s->record;
	bool plain = true;
	double d;

	if (s->numbers != NUMBERS_UNKNOWN)
		return s->numbers;
	for (uint32_t i = 0; i < j->n && plain; i++)
		plain = j->tok[i].type != JSON_NUMBER ||
		    numbers_is_canonical(j->text + j->tok[i].at,
		    j->tok[i].len, j->tok[i].flags, &d);
	s->numbers = plain ? NUMBERS_PLAIN :
	    store_doubles(s) ? NUMBERS_TEXTS : NUMBERS_VAGUE;
	return s->numbers;
}

/* As value_double(), for a comparison: gives the double of each number that has
 * its own, and says in *held whether it holds the number. */
static bool
value_order_double(
    struct values *s, const struct value *v, double *d, bool *held)
{
	const struct json_tok *t;
	const char *p;

	*held = true;
	if (v->form != VALUE_TOKEN) {
		*d = v->u.number;
		return true;
	}
	if (values_classify(s) == NUMBERS_VAGUE)
		return false;
	t = &s->record->tok[v->u.token];
	p = s->record->text + t->at;
	*d = number_to_double(p, t->len);
	if (s->numbers != NUMBERS_PLAIN)
		*held = numbers_text_fit(*d, p, t->len) != NUMBER_LOST;
	return true;
}

bool
value_double(struct values *s, const struct value *v, double *d)
{
	bool held;

	return value_order_double(s, v, d, &held) && held;
}

/* Writes a number that the filter has made. Returns false if the record has a
 * number with the same double: only libjq, with number/, knows which text to
 * write. */
static bool
write_made_number(struct writer *w, double d)
{
	const struct values *s = w->values;
	enum value_numbers numbers = values_classify(w->values);

	if (!isfinite(d) || numbers == NUMBERS_VAGUE)
		return false;
	if (numbers == NUMBERS_TEXTS)
		for (unsigned int i = 0; i < s->ndoubles; i++)
			if (s->doubles[i] == d)
				return false;
	numbers_put(w->b, d);
	return true;
}

/* Returns false for a number that jq prints with an exponent: the versions of
 * jq print exponents in different ways. */
static bool
write_plain_number(struct writer *w, const struct value *v)
{
	size_t from = w->b->len;
	double d;

	if (v->form == VALUE_SPELLED || !value_double(w->values, v, &d) ||
	    !isfinite(d))
		return false;
	numbers_put(w->b, d);
	return w->b->failed ||
	    memchr(w->b->data + from, 'e', w->b->len - from) == NULL;
}

static bool
write_number(struct writer *w, const struct value *v)
{
	const struct json_tok *t;

	if (w->json)
		return write_plain_number(w, v);
	if (v->form != VALUE_TOKEN)
		return write_made_number(w, v->u.number);
	if (values_classify(w->values) == NUMBERS_VAGUE)
		return false;
	t = &w->values->record->tok[v->u.token];
	buf_add(w->b, w->values->record->text + t->at, t->len);
	return true;
}

/* Returns false if tojson gets a string with a DEL character: only some
 * versions of jq escape it. */
static bool
write_string(struct writer *w, const char *p, size_t n)
{
	if (w->json && n > 0 && memchr(p, 0x7f, n) != NULL)
		return false;
	json_put_string(w->b, p, n);
	return true;
}

static bool
write_token_string(struct writer *w, uint32_t i)
{
	const struct json *j = w->values->record;
	const struct json_tok *t = &j->tok[i];
	struct buf *text = &w->values->text;

	if ((t->flags & JSON_ESCAPED) == 0)
		return write_string(w, j->text + t->at + 1, t->len - 2);
	buf_clear(text);
	json_unescape(text, j, i);
	return !text->failed && write_string(w, text->data, text->len);
}

static bool
write_token_parts(struct writer *w, uint32_t i)
{
	const struct json_tok *tok = w->values->record->tok;
	bool object = tok[i].type == JSON_OBJECT;
	struct value v;

	buf_char(w->b, object ? '{' : '[');
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k].next) {
		if (k > i + 1)
			buf_char(w->b, ',');
		if (object) {
			if (!write_token_string(w, k++))
				return false;
			buf_char(w->b, ':');
		}
		v = value_of_token(w->values, k);
		if (!write_value(w, &v))
			return false;
	}
	buf_char(w->b, object ? '}' : ']');
	return true;
}

static bool
write_token_container(struct writer *w, uint32_t i)
{
	const struct json *j = w->values->record;

	/* If jq would write the same bytes, copy them. */
	if (w->json || (j->flags & (JSON_ESCAPED | JSON_SPACE)) != 0 ||
	    values_classify(w->values) == NUMBERS_VAGUE ||
	    memchr(j->text + j->tok[i].at, 0x7f, j->tok[i].len) != NULL)
		return write_token_parts(w, i);
	buf_add(w->b, j->text + j->tok[i].at, j->tok[i].len);
	return true;
}

/* Returns how many levels of arrays and objects the record has. */
static unsigned int
count_levels(struct values *s)
{
	const struct json *j = s->record;
	uint32_t end[JSON_DEPTH_MAX];
	unsigned int open = 0;

	if (s->levels > 0)
		return s->levels;
	for (uint32_t i = 0; i < j->n; i++) {
		while (open > 0 && end[open - 1] <= i)
			open--;
		if (j->tok[i].type < JSON_ARRAY)
			continue;
		if (open < JSON_DEPTH_MAX)
			end[open++] = j->tok[i].next;
		if (open > s->levels)
			s->levels = open;
	}
	return s->levels;
}

static bool
write_array(struct writer *w, const struct value *v)
{
	w->depth++;
	buf_char(w->b, '[');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i > 0)
			buf_char(w->b, ',');
		if (!write_value(w, &v->u.elements[i]))
			return false;
	}
	buf_char(w->b, ']');
	w->depth--;
	return true;
}

static bool
write_object(struct writer *w, const struct value *v)
{
	w->depth++;
	buf_char(w->b, '{');
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->u.members[i];

		if (i > 0)
			buf_char(w->b, ',');
		if (!write_string(w, m->name.u.text, m->name.n))
			return false;
		buf_char(w->b, ':');
		if (!write_value(w, &m->value))
			return false;
	}
	buf_char(w->b, '}');
	w->depth--;
	return true;
}

static bool
write_value(struct writer *w, const struct value *v)
{
	static const char *const word[] = { "null", "false", "true" };

	if (w->b->failed)
		return true;
	if (v->kind < VALUE_NUMBER) {
		buf_str(w->b, word[v->kind]);
		return true;
	}
	if (v->kind == VALUE_NUMBER)
		return write_number(w, v);
	if (v->kind == VALUE_STRING)
		return v->form == VALUE_TOKEN ?
		    write_token_string(w, v->u.token) :
		    write_string(w, v->u.text, v->n);
	if (v->form == VALUE_TOKEN)
		return w->depth + count_levels(w->values) <=
		    JSON_DEPTH_MAX && write_token_container(w, v->u.token);
	return v->kind == VALUE_ARRAY ? write_array(w, v) : write_object(w, v);
}

bool
value_write(struct values *s, const struct value *v, struct buf *b)
{
	struct writer w = { .values = s, .b = b };

	return write_value(&w, v);
}

bool
value_write_json(struct values *s, const struct value *v, struct buf *b)
{
	struct writer w = { .values = s, .b = b, .json = true };

	return write_value(&w, v);
}

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
		*order = (x > y) - (x < y);
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

enum { ALIGN = 16, BLOCK = 64 << 10 };

struct arena_block {
	struct arena_block *older;
	size_t size;
	_Alignas(ALIGN) char data[];
};

void
arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

/* Frees all blocks. With `keeps_oldest_small_block`, the oldest block is kept
 * if its size is BLOCK, the smallest size. */
static void
free_blocks(struct arena *a, bool keeps_oldest_small_block)
{
	struct arena_block *b = a->blocks;

	while (b != NULL && !(keeps_oldest_small_block && b->older == NULL &&
	    b->size == BLOCK)) {
		struct arena_block *older = b->older;

		free(b);
		b = older;
	}
	a->blocks = b;
	a->used = a->total = 0;
	a->size = b != NULL ? b->size : 0;
}

void
arena_release(struct arena *a)
{
	free_blocks(a, false);
}

void
arena_clear(struct arena *a)
{
	free_blocks(a, true);
}

static struct arena_block *
add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK ? n : BLOCK;
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->older = a->blocks;
	b->size = size;
	a->blocks = b;
	a->used = 0;
	a->size = size;
	return b;
}

void *
arena_get(struct arena *a, size_t n)
{
	void *p;

	if (n > a->max || a->total > a->max - n)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if ((a->blocks == NULL || a->size - a->used < n) &&
	    add_block(a, n) == NULL)
		return NULL;
	p = a->blocks->data + a->used;
	a->used += n;
	a->total += n;
	return p;
}

void *
lacks_set(struct lacks *l, const char *at, const char *what, size_t n)
{
	if (l->what[0] == '\0') {
		(void)snprintf(l->what, sizeof(l->what), "%.*s",
		    (int)(n < sizeof(l->what) ? n : sizeof(l->what)), what);
		l->at = at;
	}
	return NULL;
}

bool
node_is_fixed_path(const struct node *n)
{
	for (; n->kind == NODE_INDEX; n = n->a)
		if (n->b->kind != NODE_CONSTANT || n->optional ||
		    n->b->value.kind != VALUE_STRING)
			return false;
	return n->kind == NODE_INPUT;
}
