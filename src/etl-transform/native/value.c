#include "native/value.h"

#include "json/write.h"

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

static bool
parse_string_token(struct values *s, struct value *v)
{
	buf_clear(&s->text);
	json_unescape(&s->text, s->record, v->u.token);
	return !s->text.failed &&
	    value_make_string(s, s->text.data, s->text.len, v);
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
	if (v->kind == VALUE_STRING)
		return parse_string_token(s, v);
	if (v->kind == VALUE_ARRAY)
		return parse_array_token(s, v);
	return v->kind != VALUE_OBJECT || parse_object_token(s, v);
}

static bool
token_has_name(const struct values *s, uint32_t i, const char *name, size_t len)
{
	const struct json_tok *t = &s->record->tok[i];

	return t->len == len + 2 &&
	    memcmp(s->record->text + t->at + 1, name, len) == 0;
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
		if (token_has_name(s, k, name, len))
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
