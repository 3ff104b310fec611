#include "native/functions.h"

#include <string.h>

/* Sets *texts to true if the input and the argument are strings, and decodes
 * the escapes of both in this case. Returns false if libjq must run the
 * record. */
static bool
decode_strings(struct run *r, struct value *in, struct value *arg, bool *texts)
{
	*texts = in->kind == VALUE_STRING && arg->kind == VALUE_STRING;
	return !*texts || (value_parse(&r->values, in) &&
	    value_parse(&r->values, arg) &&
	    values_work(&r->values, 1));
}

static bool
starts_with(const struct value *text, const struct value *start)
{
	return start->n <= text->n && (start->n == 0 ||
	    memcmp(text->u.text, start->u.text, start->n) == 0);
}

static bool
ends_with(const struct value *text, const struct value *end)
{
	return end->n <= text->n && (end->n == 0 || memcmp(text->u.text +
	    text->n - end->n, end->u.text, end->n) == 0);
}

/* Sets *out to the result of the test. It is an error of the filter if one of
 * the values is not a string. */
static enum run_result
test_strings(struct run *r, const struct value *in, const struct value *args,
    bool (*test)(const struct value *text, const struct value *part),
    struct value *out)
{
	struct value text = *in, part = args[0];
	bool texts;

	if (!decode_strings(r, &text, &part, &texts))
		return RUN_UNSURE;
	if (!texts)
		return run_error(r);
	*out = value_bool(test(&text, &part));
	return RUN_ON;
}

enum run_result
function_startswith(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	return test_strings(r, in, args, starts_with, out);
}

enum run_result
function_endswith(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	return test_strings(r, in, args, ends_with, out);
}

enum run_result
function_ltrimstr(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value text = *in, start = args[0];
	bool texts;

	/* From jq 1.8 on it is an error if an argument is not a string. Earlier
	 * versions return the input. So libjq must decide. */
	if (!decode_strings(r, &text, &start, &texts) || !texts)
		return RUN_UNSURE;
	*out = text;
	if (starts_with(&text, &start))
		*out = value_string(
		    text.u.text + start.n, text.n - start.n);
	return RUN_ON;
}

enum run_result
function_rtrimstr(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value text = *in, end = args[0];
	bool texts;

	/* One version of jq does not remove an empty suffix as the others do.
	 * From jq 1.8 on it is an error if an argument is not a string. So
	 * libjq must decide in both cases. */
	if (!decode_strings(r, &text, &end, &texts) || !texts || end.n == 0)
		return RUN_UNSURE;
	*out = text;
	if (ends_with(&text, &end))
		out->n -= end.n;
	return RUN_ON;
}

static enum run_result
change_letters(struct run *r, const struct value *in, char from, char to,
    struct value *out)
{
	struct value v = *in;
	char *p;

	if (v.kind != VALUE_STRING)
		return run_error(r);
	if (!value_parse(&r->values, &v) ||
	    !value_make_string(&r->values, v.u.text, v.n, out))
		return RUN_UNSURE;
	p = (char *)(uintptr_t)out->u.text;
	for (uint32_t i = 0; i < v.n; i++)
		if (p[i] >= from && p[i] <= from + 25)
			p[i] = (char)(p[i] + to - from);
	return RUN_ON;
}

enum run_result
function_ascii_downcase(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return change_letters(r, in, 'A', 'a', out);
}

enum run_result
function_ascii_upcase(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return change_letters(r, in, 'a', 'A', out);
}

static const char *
find_separator(const char *p, const char *end, const struct value *separator)
{
	return memmem(p, (size_t)(end - p), separator->u.text, separator->n);
}

/* Splits text at each separator. If the text is empty, the result is an empty
 * array, as in jq. Returns false if libjq must run the record: always if the
 * separator is empty. */
bool
text_split(struct run *r, const struct value *text,
    const struct value *separator, struct value *out)
{
	struct value t = *text, s = *separator, *v;
	const char *p, *end, *at;
	size_t n = 1;

	if (!value_parse(&r->values, &t) || !value_parse(&r->values,
	    &s) || s.n == 0 || !values_work(&r->values, t.n / 8))
		return false;
	if (t.n == 0)
		return value_make_array(NULL, 0, out);
	p = t.u.text;
	end = p + t.n;
	while ((at = find_separator(p, end, &s)) != NULL) {
		p = at + s.n;
		n++;
	}
	v = arena_get(&r->values.arena, n * sizeof(*v));
	if (v == NULL || !values_work(&r->values, n))
		return false;
	p = t.u.text;
	for (size_t i = 0; i < n; i++) {
		at = i + 1 < n ? find_separator(p, end, &s) : end;
		v[i] = value_string(p, (size_t)(at - p));
		p = at + s.n;
	}
	return value_make_array(v, n, out);
}

enum run_result
function_split(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	if (in->kind != VALUE_STRING || args[0].kind != VALUE_STRING)
		return run_error(r);
	return text_split(r, in, &args[0], out) ? RUN_ON : RUN_UNSURE;
}

/* Appends an element of join(). Returns false for an array or object, because
 * jq raises an error for it. */
static bool
put_joined(struct run *r, struct value v, struct buf *b)
{
	if (v.kind == VALUE_NULL)
		return true;
	if (v.kind >= VALUE_ARRAY || !run_to_text(r, &v, &v))
		return false;
	buf_add(b, v.u.text, v.n);
	return true;
}

enum run_result
function_join(struct run *r, const struct value *in,
    const struct value *args, struct value *out)
{
	struct value v = *in, s = args[0];
	struct buf b;
	bool ok = true;

	if (v.kind != VALUE_ARRAY || s.kind != VALUE_STRING ||
	    !value_parse(&r->values, &v) || !value_parse(&r->values,
	    &s) || !values_work(&r->values, v.n))
		return RUN_UNSURE;
	buf_init(&b, VALUES_MEMORY);
	for (uint32_t i = 0; i < v.n && ok; i++) {
		if (i > 0)
			buf_add(&b, s.u.text, s.n);
		ok = put_joined(r, v.u.elements[i], &b);
	}
	ok = ok && !b.failed &&
	    value_make_string(&r->values, b.data, b.len, out);
	buf_release(&b);
	return ok ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_tojson(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	struct buf b;
	bool ok;

	buf_init(&b, VALUES_MEMORY);
	ok = value_write_json(&r->values, in, &b) && !b.failed &&
	    value_make_string(&r->values, b.data, b.len, out);
	buf_release(&b);
	return ok ? RUN_ON : RUN_UNSURE;
}

enum run_result
function_tostring(struct run *r, const struct value *in,
    const struct value *args __attribute__((unused)), struct value *out)
{
	return run_to_text(r, in, out) ? RUN_ON : RUN_UNSURE;
}
