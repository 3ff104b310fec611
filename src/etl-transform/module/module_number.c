#include "module/decimal.h"
#include "module/module.h"

#include "json/number.h"

#include <math.h>
#include <string.h>

enum { SHOWN = 60 };

static jv
make_text_error(const struct module *n, const char *code, const char *p,
    size_t len, const char *what)
{
	return module_reject(code, "%s: '%.*s' is not %s", n->op->name,
	    (int)(len < SHOWN ? len : SHOWN), p, what);
}

/* Makes the error value for a text that is not a number. */
static jv
make_number_error(const struct module *n, const char *p, size_t len)
{
	return make_text_error(n, "type", p, len, "a number");
}

/* Makes the error value for a text that is a number, but not an integer,
 * such as 1.5: to_int rejects it, because it would have to change the value. */
static jv
make_integer_error(const struct module *n, const char *p, size_t len)
{
	return make_text_error(n, "number", p, len, "an integer");
}

/* Sets *p and *len to the text of the argument of to_int or to_number. If the
 * argument is a number, its digits are appended to n->text, and *p points
 * there. If the argument is a string, *p is this string without white space at
 * both ends. Returns false for other types. */
static bool
take_number_text(struct module *n, const char **p, size_t *len)
{
	jv v = n->arg[0];

	if (jv_get_kind(v) == JV_KIND_NUMBER) {
		numbers_put_text(n->numbers, jvalue_double(v), &n->text);
		*p = n->text.data;
		*len = n->text.len;
		return true;
	}
	if (jv_get_kind(v) != JV_KIND_STRING)
		return false;
	*len = (size_t)jv_string_length_bytes(jv_copy(v));
	*p = words_trim(jv_string_value(v), len);
	return true;
}

static jv
made_number(struct numbers *t, const char *p, size_t n, bool replaces_equal)
{
	double d = numbers_add_made(t, p, n, replaces_equal);

	return jvalue_number(d, numbers_fit(t, d));
}

jv
module_to_int(struct module *n)
{
	bool number = jv_get_kind(n->arg[0]) == JV_KIND_NUMBER;
	double v = number ? jvalue_double(n->arg[0]) : NAN;
	struct decimal d;
	const char *p;
	size_t len, from;

	if (!n->numbers->active && fabs(v) < 0x1p53 && v == trunc(v))
		return jv_copy(n->arg[0]);
	if (!take_number_text(n, &p, &len))
		return module_reject_type(n, n->arg[0], "a number");
	if (!decimal_parse(&d, p, len))
		return make_number_error(n, p, len);
	from = n->text.len;
	if (!buf_reserve(
	    &n->text, d.wholes + d.fractions + DECIMAL_DIGITS_MAX + 2))
		return make_integer_error(n, p, len);
	/* If the argument is a number, d points to its digits in n->text.
	 * buf_reserve() may have moved n->text, so the digits are parsed
	 * again. */
	if (number)
		(void)decimal_parse(&d, n->text.data, from);
	if (!decimal_put_integer(&d, &n->text))
		return make_integer_error(n, number ? n->text.data : p, len);
	return made_number(n->numbers, n->text.data + from,
	    n->text.len - from, number);
}

jv
module_to_number(struct module *n)
{
	jv v = n->arg[0];
	char plain[NUMBER_TEXT];
	struct decimal d;
	const char *p;
	size_t len, size;

	if (jv_get_kind(v) == JV_KIND_NUMBER)
		return jv_copy(v);
	if (!take_number_text(n, &p, &len))
		return module_reject_type(n, v, "a number");
	if (!decimal_parse(&d, p, len))
		return make_number_error(n, p, len);
	decimal_put_json(&d, p + len, &n->text);
	p = n->text.data;
	len = n->text.len;
	size = number_put_shortest(plain, number_to_double(p, len));
	if (number_equals(plain, size, p, len)) {
		p = plain;
		len = size;
	}
	return made_number(n->numbers, p, len, false);
}
