#include "document/value_end.h"

#include "json/span.h"

#include <ctype.h>
#include <string.h>

static bool
is_word_byte(char c)
{
	return isdigit((unsigned char)c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

bool
value_may_start(char c)
{
	return c != '\0' && strchr("{[\"-tfn0123456789", c) != NULL;
}

void
value_end_begin(struct value_end *v, char first)
{
	v->depth = 0;
	v->in_string = v->is_escaped = false;
	v->is_word = first != '{' && first != '[' && first != '"';
}

static void
open_bracket(struct value_end *v, bool is_brace)
{
	const uint64_t bit = UINT64_C(1) << (v->depth & 63);

	if (v->depth < VALUE_END_LEVELS) {
		v->braces[v->depth / 64] &= ~bit;
		v->braces[v->depth / 64] |= is_brace ? bit : 0;
	}
	v->depth++;
}

/* Returns false if the innermost open bracket has the other kind: brace or
 * square bracket. */
static bool
close_bracket(struct value_end *v, bool is_brace)
{
	const uint64_t at = v->depth - 1;

	if (at < VALUE_END_LEVELS &&
	    ((v->braces[at / 64] >> (at & 63)) & 1) != is_brace)
		return false;
	v->depth--;
	return true;
}

/* Returns the first quote, brace or bracket in p..end, or `end`. */
static const char *
skip_plain_bytes(const char *p, const char *end)
{
	static const bool stops[256] = { ['"'] = true, ['{'] = true,
	    ['}'] = true, ['['] = true, [']'] = true };

	while (p < end && !stops[(unsigned char)*p])
		p++;
	return p;
}

/* Reads inside a string. Returns the position after its closing quote, or `end`
 * if the string goes on. */
static const char *
skip_string(struct value_end *v, const char *p, const char *end)
{
	while (p < end && v->in_string) {
		if (v->is_escaped) {
			v->is_escaped = false;
			p++;
			continue;
		}
		if ((p = span_quoted(p, end)) == end)
			break;
		v->is_escaped = *p == '\\';
		v->in_string = v->is_escaped;
		p++;
	}
	return p;
}

static enum value_end_found
find_end_of_word(const char *p, size_t n, size_t *used)
{
	size_t i = 0;

	while (i < n && is_word_byte(p[i]))
		i++;
	*used = i;
	return i < n ? VALUE_ENDS : VALUE_GOES_ON;
}

enum value_end_found
value_end_find(struct value_end *v, const char *p, size_t n, size_t *used)
{
	const char *from = p, *end = p + n;
	enum value_end_found found = VALUE_GOES_ON;

	if (v->is_word)
		return find_end_of_word(p, n, used);
	while (p < end && found == VALUE_GOES_ON) {
		if (v->in_string) {
			p = skip_string(v, p, end);
			if (v->in_string)
				break;
		} else if ((p = skip_plain_bytes(p, end)) == end) {
			break;
		} else if (*p == '"') {
			v->in_string = true;
			p++;
			continue;
		} else if (*p == '{' || *p == '[') {
			open_bracket(v, *p++ == '{');
		} else if (close_bracket(v, *p == '}')) {
			p++;
		} else {
			found = VALUE_BROKEN;
		}
		if (v->depth == 0)
			found = VALUE_ENDS;
	}
	*used = (size_t)(p - from);
	return found;
}
