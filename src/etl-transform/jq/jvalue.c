#include "jq/filter.h"

#include "json/number.h"
#include "json/write.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

static int
parse_json_arg(jv *v, const struct arg *a, struct err *e)
{
	struct json j = { .text = NULL };
	struct json_fault fault;
	struct reader r;

	if (json_scan(&j, a->value, strlen(a->value), JSON_LEVELS_ALL,
	    JSON_LAST, &fault) == -1) {
		json_release(&j);
		return err_set(e, ERR_USAGE, false,
		    "--argjson %s: not JSON: %s", a->name, fault.why);
	}
	reader_init(&r, NULL);
	*v = jvalue_read(&r, &j);
	reader_release(&r);
	json_release(&j);
	return 0;
}

static int
read_slurpfile(jv *v, const struct arg *a, struct err *e)
{
	jv message;

	*v = jv_load_file(a->value, 0);
	if (jv_is_valid(*v))
		return 0;
	message = jv_invalid_get_msg(*v);
	(void)err_set(e, ERR_CONFIG, false, "--slurpfile %s: %s", a->name,
	    jv_get_kind(message) == JV_KIND_STRING ?
	    jv_string_value(message) : "cannot be read");
	jv_free(message);
	return -1;
}

int
jvalue_read_args(jv *out, const struct arg *args, size_t n, struct err *e)
{
	jv named = jv_object(), all;

	for (size_t i = 0; i < n; i++) {
		const struct arg *a = &args[i];
		jv v = jv_null();
		int rc = 0;

		if (a->kind == ARG_TEXT)
			v = jv_string(a->value);
		else if (a->kind == ARG_JSON)
			rc = parse_json_arg(&v, a, e);
		else
			rc = read_slurpfile(&v, a, e);
		if (rc == -1) {
			jv_free(named);
			return -1;
		}
		named = jv_object_set(named, jv_string(a->name), v);
	}
	all = JV_OBJECT(jv_string("positional"), jv_array(),
	    jv_string("named"), jv_copy(named));
	*out = jv_object_set(named, jv_string("ARGS"), all);
	return 0;
}

/* libjq keeps only the double of a number. So its result for a number that no
 * double holds (12345678901234567890 + 1) looks exact and is wrong. libjq does
 * not tell when it computes, but it gets each double by jv_number_value(), a
 * function that a program may define in its place. This file does so, and also
 * for the functions that get doubles in order to compare or to print messages:
 * this is no computation.
 *
 * The members of a jv are private to libjq. Only this file uses one of them:
 * libjq leaves `size` of a number 0 and copies it with the rest. */

/* The functions of libjq that have no argument for a state call the functions
 * below, so their state is static. */
static struct {
	double (*number_value)(jv);
	int (*equal)(jv, jv);
	int (*cmp)(jv, jv);
	char *(*dump_string_trunc)(jv, char *, size_t);
	void (*dumpf)(jv, FILE *, int);
	unsigned int compares, messages;        /* calls that have begun */
	bool computed;
	/* While it compares: the number before. */
	bool has_last, last_is_lost;
	double last;
} libjq;

/* ISO C has no cast from dlsym()'s pointer to that of a function. */
static void
find(const char *name, void *function)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(function, &found, sizeof(found));
}

static void __attribute__((constructor))
find_functions(void)
{
	find("jv_number_value", &libjq.number_value);
	find("jv_equal", &libjq.equal);
	find("jv_cmp", &libjq.cmp);
	find("jv_dump_string_trunc", &libjq.dump_string_trunc);
	find("jv_dumpf", &libjq.dumpf);
}

static bool
jvalue_is_marked(jv v)
{
	return jv_get_kind(v) == JV_KIND_NUMBER && v.size != NUMBER_HELD;
}

static bool
is_lost(jv v)
{
	return jv_get_kind(v) == JV_KIND_NUMBER && v.size >= NUMBER_LOST;
}

jv
jvalue_number(double d, enum number_fit fit)
{
	jv v = jv_number(d);

	v.size = (int)fit;
	return v;
}

double
jvalue_double(jv v)
{
	return libjq.number_value(v);
}

bool
jvalue_take_computed(void)
{
	bool computed = libjq.computed;

	libjq.computed = false;
	return computed;
}

/* While libjq compares, it gets the doubles of two numbers one after the other.
 * A number that no double holds is not equal to one that its double holds: if
 * both have the same double, their order is unknown. So is that of different
 * numbers that had to share a double. */
static void
note_unknown_order(jv v)
{
	double d = libjq.number_value(v);

	if (libjq.has_last && libjq.last == d &&
	    (libjq.last_is_lost != is_lost(v) || v.size == NUMBER_MIXED))
		libjq.computed = true;
	libjq.has_last = true;
	libjq.last = d;
	libjq.last_is_lost = is_lost(v);
}

double
jv_number_value(jv v)
{
	if (libjq.compares > 0)
		note_unknown_order(v);
	else if (libjq.messages == 0 && is_lost(v))
		libjq.computed = true;
	return libjq.number_value(v);
}

int
jv_equal(jv a, jv b)
{
	int result;

	libjq.has_last &= libjq.compares++ > 0;
	result = libjq.equal(a, b);
	libjq.compares--;
	return result;
}

int
jv_cmp(jv a, jv b)
{
	int result;

	libjq.has_last &= libjq.compares++ > 0;
	result = libjq.cmp(a, b);
	libjq.compares--;
	return result;
}

char *
jv_dump_string_trunc(jv v, char *text, size_t size)
{
	char *result;

	libjq.messages++;
	result = libjq.dump_string_trunc(v, text, size);
	libjq.messages--;
	return result;
}

void
jv_dumpf(jv v, FILE *f, int flags)
{
	libjq.messages++;
	libjq.dumpf(v, f, flags);
	libjq.messages--;
}

enum { NAME_MAX_LEN = 64 };     /* longer names are not remembered */

static jv read_value(struct reader *r, uint32_t i);

void
reader_init(struct reader *r, struct numbers *n)
{
	for (size_t i = 0; i < JVALUE_NAMES; i++)
		r->names[i] = jv_invalid();
	buf_init(&r->text, UINT32_MAX);
	r->numbers = n;
	r->j = NULL;
	r->read_again = false;
}

void
reader_release(struct reader *r)
{
	for (size_t i = 0; i < JVALUE_NAMES; i++)
		jv_free(r->names[i]);
	buf_release(&r->text);
}

static jv
read_string(struct reader *r, uint32_t i)
{
	const struct json_tok *t = &r->j->tok[i];

	if (!(t->flags & JSON_ESCAPED))
		return jv_string_sized(r->j->text + t->at + 1,
		    (int)t->len - 2);
	buf_clear(&r->text);
	json_unescape(&r->text, r->j, i);
	(void)buf_text(&r->text);
	if (r->text.failed)             /* the text is incomplete */
		_exit(ENGINE_NOMEM);
	return jv_string_sized(r->text.data, (int)r->text.len);
}

static unsigned int
hash_name(const char *p, size_t n)
{
	unsigned int first = (unsigned char)p[0];
	unsigned int last = (unsigned char)p[n - 1];
	unsigned int middle = (unsigned char)p[n / 2];

	return (first * 31 + last * 7 + middle * 3 + (unsigned int)n * 17) %
	    JVALUE_NAMES;
}

/* Returns the member name at token i as a jv (a value of libjq). Names of
 * earlier records are kept in r->names. If the name is one of them, the kept jv
 * is returned, which saves time: libjq has already checked its UTF-8 and
 * computed its hash. */
static jv
read_name(struct reader *r, uint32_t i)
{
	const struct json_tok *t = &r->j->tok[i];
	const char *p = r->j->text + t->at + 1;
	size_t n = t->len - 2;
	jv *slot;

	if (n == 0 || n > NAME_MAX_LEN || (t->flags & JSON_ESCAPED))
		return read_string(r, i);
	slot = &r->names[hash_name(p, n)];
	if (!jv_is_valid(*slot) ||
	    (size_t)jv_string_length_bytes(jv_copy(*slot)) != n ||
	    memcmp(jv_string_value(*slot), p, n) != 0) {
		jv_free(*slot);
		*slot = read_string(r, i);
	}
	return jv_copy(*slot);
}

static jv
read_number(struct reader *r, uint32_t i)
{
	const struct json_tok *t = &r->j->tok[i];
	enum number_fit fit = NUMBER_HELD;
	double d;

	if (r->numbers == NULL)
		d = number_to_double(r->j->text + t->at, t->len);
	else
		numbers_get_double(r->numbers, i, &d, &fit, &r->read_again);
	return jvalue_number(d, fit);
}

/* Returns the number of elements of the array at token i. tok[i].members has
 * this number if it is less than 65535. Otherwise the elements are counted. */
static int
count_elements(const struct json_tok *tok, uint32_t i)
{
	int n = 0;

	if (tok[i].members < UINT16_MAX)
		return tok[i].members;
	for (uint32_t k = i + 1; k < tok[i].next; k = tok[k].next)
		n++;
	return n;
}

/* Gives the array its final size at the start: libjq would copy it each time it
 * grows. */
static jv
read_array(struct reader *r, uint32_t i)
{
	const struct json_tok *tok = r->j->tok;
	uint32_t end = tok[i].next;
	int n = count_elements(tok, i);
	jv a = jv_array_sized(n > 0 ? n : 1);

	for (i++; i < end; i = tok[i].next)
		a = jv_array_append(a, read_value(r, i));
	return a;
}

static jv
read_object(struct reader *r, uint32_t i)
{
	const struct json_tok *tok = r->j->tok;
	uint32_t end = tok[i].next;
	jv o = jv_object();

	for (i++; i < end; i = tok[i + 1].next) {
		jv name = read_name(r, i);

		o = jv_object_set(o, name, read_value(r, i + 1));
	}
	return o;
}

/* Converts the JSON value at token i to a jv (a value of libjq). The function
 * calls itself for nested values. json_scan() has limited their depth, so the
 * stack is sufficient. */
static jv
read_value(struct reader *r, uint32_t i)
{
	switch ((enum json_type)r->j->tok[i].type) {
	case JSON_NULL:
		return jv_null();
	case JSON_FALSE:
		return jv_false();
	case JSON_TRUE:
		return jv_true();
	case JSON_NUMBER:
		return read_number(r, i);
	case JSON_STRING:
		return read_string(r, i);
	case JSON_ARRAY:
		return read_array(r, i);
	case JSON_OBJECT:
		return read_object(r, i);
	}
	return jv_null();
}

jv
jvalue_read(struct reader *r, const struct json *j)
{
	jv v;

	r->j = j;
	r->read_again = false;
	if (r->numbers != NULL)
		numbers_begin(r->numbers, j);
	v = read_value(r, 0);
	if (!r->read_again)
		return v;
	jv_free(v);
	r->read_again = false;
	return read_value(r, 0);
}

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
