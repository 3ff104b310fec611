#include "number/jvalue.h"

#include "json/write.h"

struct writer {
	struct buf *b;
	struct numbers *numbers;
	const struct json *j;           /* the record; NULL: all its numbers
					 * are written as jq writes them */
	bool lossy;
	int depth;
	enum write_result result;
};

static void write_jv(struct writer *w, jv v, const struct number_place *at);

/* Writes a number at the place `at` of the output. If its text is not clear,
 * sets the result to WRITE_VAGUE. */
static void
write_placed_number(struct writer *w, jv v, const struct number_place *at)
{
	double d = jvalue_double(v);

	if (w->j == NULL) {
		numbers_put(w->b, d);
	} else if (!numbers_put_at(
	    w->numbers, d, jvalue_is_marked(v), at, w->b)) {
		if (w->lossy)
			numbers_put(w->b, d);
		else
			w->result = WRITE_VAGUE;
	}
}

static void
write_jv_string(struct writer *w, jv v)
{
	json_put_string(w->b, jv_string_value(v),
	    (size_t)jv_string_length_bytes(jv_copy(v)));
}

/* Returns the place of element i of the output array at the place `at`. The
 * text of a number in the output depends on its place: on the value that the
 * record has there. If the record has an array at `at`, the place of element i
 * has the token of element i of that array, or NUMBERS_NOWHERE if that array is
 * shorter. Call this for i = 0, 1, 2 ... in order: *element_tok is the token of
 * element i - 1, and this function moves it to element i. */
static struct number_place
next_element_place(const struct writer *w, const struct number_place *at, int i,
    uint32_t *element_tok)
{
	struct number_place p = *at;
	const struct json_tok *tok;

	if (w->j == NULL || at->tok == NUMBERS_NOWHERE)
		return p;
	tok = &w->j->tok[at->tok];
	if (tok->type != JSON_ARRAY) {
		p.tok = NUMBERS_NOWHERE;
		return p;
	}
	if (*element_tok != NUMBERS_NOWHERE)
		*element_tok =
		    i == 0 ? at->tok + 1 : w->j->tok[*element_tok].next;
	if (*element_tok >= tok->next)
		*element_tok = NUMBERS_NOWHERE;
	p.tok = *element_tok;
	return p;
}

/* Returns the place of the member `name` of the output object at the place
 * `at`. *name must live as long as the place. */
static struct number_place
get_member_place(struct writer *w, const struct number_place *at,
    struct number_name *name)
{
	struct number_place p = { NUMBERS_NOWHERE, name };

	if (w->j == NULL)
		return p;
	if (at->tok != NUMBERS_NOWHERE &&
	    w->j->tok[at->tok].type == JSON_OBJECT)
		p.tok = member_index_find(&w->numbers->members, w->j, at->tok,
		    name->p, name->len, &w->numbers->nomem);
	if (p.tok == 0)
		p.tok = NUMBERS_NOWHERE;
	return p;
}

static void
write_jv_array(struct writer *w, jv v, const struct number_place *at)
{
	int n = jv_array_length(jv_copy(v));
	uint32_t element_tok = 0;

	buf_char(w->b, '[');
	for (int i = 0; i < n && w->result == WRITE_DONE; i++) {
		struct number_place p =
		    next_element_place(w, at, i, &element_tok);
		jv x = jv_array_get(jv_copy(v), i);

		if (i > 0)
			buf_char(w->b, ',');
		write_jv(w, x, &p);
		jv_free(x);
	}
	buf_char(w->b, ']');
}

static void
write_jv_object(struct writer *w, jv v, const struct number_place *at)
{
	bool first = true;

	buf_char(w->b, '{');
	for (int i = jv_object_iter(v);
	    jv_object_iter_valid(v, i) && w->result == WRITE_DONE;
	    i = jv_object_iter_next(v, i)) {
		jv name = jv_object_iter_key(v, i);
		jv x = jv_object_iter_value(v, i);
		struct number_name n = {
			jv_string_value(name),
			(size_t)jv_string_length_bytes(jv_copy(name)),
			NUMBERS_NAME_UNKNOWN
		};
		struct number_place p = get_member_place(w, at, &n);

		if (!first)
			buf_char(w->b, ',');
		first = false;
		write_jv_string(w, name);
		buf_char(w->b, ':');
		write_jv(w, x, &p);
		jv_free(name);
		jv_free(x);
	}
	buf_char(w->b, '}');
}

/* Writes a value at the place `at` of the output. If it is nested too deeply,
 * sets the result to WRITE_DEEP. */
static void
write_jv(struct writer *w, jv v, const struct number_place *at)
{
	if (w->b->failed)
		return;
	if (++w->depth > JSON_DEPTH_MAX &&
	    jv_get_kind(v) >= JV_KIND_ARRAY)
		w->result = WRITE_DEEP;
	if (w->result == WRITE_DONE)
		switch (jv_get_kind(v)) {
		case JV_KIND_INVALID:
		case JV_KIND_NULL:
			buf_add(w->b, "null", 4);
			break;
		case JV_KIND_FALSE:
			buf_add(w->b, "false", 5);
			break;
		case JV_KIND_TRUE:
			buf_add(w->b, "true", 4);
			break;
		case JV_KIND_NUMBER:
			write_placed_number(w, v, at);
			break;
		case JV_KIND_STRING:
			write_jv_string(w, v);
			break;
		case JV_KIND_ARRAY:
			write_jv_array(w, v, at);
			break;
		case JV_KIND_OBJECT:
			write_jv_object(w, v, at);
			break;
		}
	w->depth--;
}

enum write_result
jvalue_write(struct buf *b, jv v, struct numbers *n, bool lossy)
{
	struct number_place root = { 0, NULL };
	struct writer w = {
		.b = b, .numbers = n, .lossy = lossy,
		.j = n != NULL && n->active ? n->record : NULL
	};

	write_jv(&w, v, &root);
	return w.result;
}
