#include "json/pointer.h"

#include "json/name.h"

#include <string.h>

bool
pointer_is_valid(const char *text)
{
	if (*text != '/' && *text != '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text == '~' && text[1] != '0' && text[1] != '1')
			return false;
	return true;
}

unsigned int
pointer_count(const char *text)
{
	unsigned int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '/';
	return n;
}

/* Returns true if the member name of token t equals the part p..end of the JSON
 * Pointer, in which ~0 means ~ and ~1 means /. */
static bool
part_equals_name(const char *p, const char *end, const struct json_tok *t,
    const char *text)
{
	struct name_iter it;
	int c;

	name_iter_begin(&it, t, text);
	while ((c = name_iter_next(&it)) != -1) {
		unsigned char want = 0;

		if (p == end)
			return false;
		want = (unsigned char)*p++;
		if (want == '~')
			want = *p++ == '0' ? '~' : '/';
		if (want != c)
			return false;
	}
	return p == end;
}

/* Returns the value of the member that a part of a pointer names, or 0. */
static uint32_t
find_named(const struct json *j, uint32_t obj, const char *p, size_t n)
{
	uint32_t found = 0, end = j->tok[obj].next;

	if (memchr(p, '~', n) == NULL)
		return json_member_value(j, obj, p, n);
	for (uint32_t i = obj + 1; i < end; i = j->tok[i + 1].next)
		if (part_equals_name(p, p + n, &j->tok[i], j->text))
			found = i + 1;
	return found;
}

/* Returns the element whose index a part of a pointer gives, or 0. */
static uint32_t
find_indexed(const struct json *j, uint32_t array, const char *p, size_t n)
{
	uint32_t i = array + 1, end = j->tok[array].next;
	uint64_t index = 0;

	if (n == 0 || n > 10 || (n > 1 && *p == '0'))
		return 0;
	for (; n > 0; n--, p++) {
		if (*p < '0' || *p > '9')
			return 0;
		index = index * 10 + (uint64_t)(*p - '0');
	}
	for (; i < end && index > 0; index--)
		i = j->tok[i].next;
	return i < end ? i : 0;
}

bool
pointer_find(const struct json *j, const char *text, uint32_t *index)
{
	uint32_t i = 0;
	size_t n;

	*index = 0;
	while (*text == '/') {
		n = strcspn(++text, "/");
		if (j->tok[i].type == JSON_OBJECT)
			i = find_named(j, i, text, n);
		else if (j->tok[i].type == JSON_ARRAY)
			i = find_indexed(j, i, text, n);
		else
			i = 0;
		if (i == 0)
			return false;
		text += n;
	}
	*index = i;
	return *text == '\0';
}

void
pointer_put_part(struct buf *b, const char *name, size_t n)
{
	buf_char(b, '/');
	for (size_t i = 0; i < n; i++) {
		if (name[i] == '~' || name[i] == '/')
			buf_add(b, name[i] == '~' ? "~0" : "~1", 2);
		else
			buf_char(b, name[i]);
	}
}
