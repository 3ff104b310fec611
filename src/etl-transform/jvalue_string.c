#include "jvalue.h"

#include <string.h>

enum { SHORT = 12 };            /* libjq's check of so few bytes is cheap */

void
strings_init(struct strings *s)
{
	s->blank[0] = jv_string(" ");
	for (int i = 1; i < JVALUE_BLANKS; i++)
		s->blank[i] = jv_string_concat(
		    jv_string_concat(jv_string_empty(1 << i),
		    jv_copy(s->blank[i - 1])), jv_copy(s->blank[i - 1]));
}

void
strings_release(struct strings *s)
{
	for (int i = 0; i < JVALUE_BLANKS; i++)
		jv_free(s->blank[i]);
}

/* libjq decodes every byte of a string that it is given, which was a sixth of
 * all time.  It copies without a look what it has checked before: so blanks of
 * the right length, which nobody else holds yet, get our bytes. */
jv
strings_make(const struct strings *s, const char *p, size_t n)
{
	jv v;

	if (n <= SHORT || n >> JVALUE_BLANKS != 0)
		return jv_string_sized(p, (int)n);
	v = jv_string_empty((int)n);
	for (int i = 0; i < JVALUE_BLANKS; i++)
		if (n >> i & 1)
			v = jv_string_concat(v, jv_copy(s->blank[i]));
	if (jv_get_refcnt(v) != 1 ||
	    (size_t)jv_string_length_bytes(jv_copy(v)) != n) {
		jv_free(v);
		return jv_string_sized(p, (int)n);
	}
	memcpy((void *)(uintptr_t)jv_string_value(v), p, n);
	return v;
}
