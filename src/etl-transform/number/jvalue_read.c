#include "number/jvalue.h"

#include "engine/engine.h"
#include "json/number.h"
#include "json/write.h"

#include <string.h>
#include <unistd.h>

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
