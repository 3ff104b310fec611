#include "native/run.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* Returns true if the index is an integer of at most 31 bits: all versions of
 * jq agree about these. */
static bool
is_small_integer(struct run *r, const struct value *v, double *d)
{
	return v->kind == VALUE_NUMBER && value_double(&r->values, v, d) &&
	    *d == trunc(*d) && fabs(*d) < INT32_MAX;
}

static enum run_result
index_array(struct run *r, const struct value *v, const struct value *key,
    struct value *out)
{
	const struct json_tok *tok = r->values.record->tok;
	uint32_t n = value_count(&r->values, v), k;
	double d;

	if (!is_small_integer(r, key, &d) || !values_work(&r->values, 1))
		return RUN_UNSURE;
	*out = value_of_kind(VALUE_NULL);
	if (d < 0)
		d += n;
	if (d < 0 || d >= n)
		return RUN_ON;
	if (v->form != VALUE_TOKEN) {
		*out = v->u.elements[(uint32_t)d];
		return RUN_ON;
	}
	k = v->u.token + 1;
	for (uint32_t i = 0; i < (uint32_t)d; i++)
		k = tok[k].next;
	*out = value_of_token(&r->values, k);
	return values_work(&r->values, (uint64_t)d / 4) ? RUN_ON : RUN_UNSURE;
}

enum run_result
run_index(struct run *r, const struct value *v, const struct value *key,
    struct value *out)
{
	struct value name = *key;
	bool found;

	if (key->kind != VALUE_STRING && key->kind != VALUE_NUMBER)
		return RUN_UNSURE;
	if (v->kind == VALUE_NULL) {
		*out = *v;
		return RUN_ON;
	}
	if (v->kind == VALUE_ARRAY && key->kind == VALUE_NUMBER)
		return index_array(r, v, key, out);
	if (v->kind != VALUE_OBJECT || key->kind != VALUE_STRING)
		return run_error(r);
	if (!value_parse(&r->values, &name) ||
	    !value_find_member(&r->values, v, name.u.text, name.n, out, &found))
		return RUN_UNSURE;
	if (!found)
		*out = value_of_kind(VALUE_NULL);
	return RUN_ON;
}

/* Sets [*from, *to) to the elements or characters that the slice names, of n in
 * total. Returns false if libjq must run the record. */
static bool
get_slice_bounds(struct run *r, const struct value ends[2], uint32_t n,
    uint32_t *from, uint32_t *to)
{
	double d[2] = { 0, n };

	for (int i = 0; i < 2; i++) {
		if (ends[i].kind != VALUE_NULL &&
		    !is_small_integer(r, &ends[i], &d[i]))
			return false;
		if (d[i] < 0)
			d[i] += n;
		d[i] = d[i] < 0 ? 0 : d[i] > n ? n : d[i];
	}
	*from = (uint32_t)d[0];
	*to = d[1] < d[0] ? *from : (uint32_t)d[1];
	return true;
}

/* Returns the position after the first n characters at p, which are valid
 * UTF-8. */
static const char *
skip_characters(const char *p, uint32_t n)
{
	while (n-- > 0) {
		p++;
		while ((*p & 0xc0) == 0x80)
			p++;
	}
	return p;
}

static enum run_result
slice_string(struct run *r, struct value v, const struct value ends[2],
    struct value *out)
{
	uint32_t from, to;
	const char *p, *end;

	/* skip_characters() reads one byte after the text. So copy the text,
	 * with a NUL after it: after another string there may be any byte. */
	if (!value_parse(&r->values, &v) ||
	    !value_make_string(&r->values, v.u.text, v.n, &v))
		return RUN_UNSURE;
	((char *)(uintptr_t)v.u.text)[v.n] = '\0';
	if (!values_work(&r->values, v.n / 8) ||
	    !get_slice_bounds(r, ends,
		(uint32_t)text_count_chars(v.u.text, v.n), &from, &to))
		return RUN_UNSURE;
	p = skip_characters(v.u.text, from);
	end = skip_characters(p, to - from);
	*out = value_string(p, (size_t)(end - p));
	return RUN_ON;
}

enum run_result
run_slice(struct run *r, const struct value *value, const struct value *from,
    const struct value *to, struct value *out)
{
	const struct value ends[2] = { *from, *to };
	struct value v = *value;
	uint32_t first, last;

	for (int i = 0; i < 2; i++)
		if (ends[i].kind != VALUE_NULL && ends[i].kind != VALUE_NUMBER)
			return RUN_UNSURE;
	if (v.kind == VALUE_NULL) {
		*out = v;
		return RUN_ON;
	}
	if (v.kind == VALUE_STRING)
		return slice_string(r, v, ends, out);
	if (v.kind != VALUE_ARRAY)
		return run_error(r);
	if (!value_parse(&r->values, &v) ||
	    !get_slice_bounds(r, ends, v.n, &first, &last) ||
	    !values_work(&r->values, last - first) ||
	    !value_make_array(v.u.elements + first, last - first, out))
		return RUN_UNSURE;
	return RUN_ON;
}
