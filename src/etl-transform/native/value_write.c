#include "native/value.h"

#include "json/number.h"
#include "json/write.h"
#include "number/numbers.h"

#include <math.h>
#include <string.h>

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

bool
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

/* Returns true if the value at token i can be copied: jq would write it with
 * the same bytes. */
static bool
may_copy_token(struct writer *w, uint32_t i)
{
	const struct json *j = w->values->record;

	return !w->json && (j->flags & (JSON_ESCAPED | JSON_SPACE)) == 0 &&
	    values_classify(w->values) != NUMBERS_VAGUE &&
	    memchr(j->text + j->tok[i].at, 0x7f, j->tok[i].len) == NULL;
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

	if (!may_copy_token(w, i))
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
