#include "probe/members.h"

#include "base/buf.h"
#include "json/pointer.h"
#include "json/write.h"

#include <ctype.h>
#include <string.h>

void
member_make_key(char out[MEMBER_KEY], const char *name, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 1 < MEMBER_KEY; i++)
		if (strchr("_-.@", name[i]) == NULL)
			out[at++] = (char)tolower((unsigned char)name[i]);
	out[at] = '\0';
}

/* A command with such a name could not be printed and pasted. */
static bool
has_control_char(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)p[i]))
			return true;
	return false;
}

/* `name` is a buffer for the name of a member. */
static int
visit_members(const struct json *j, uint32_t object, struct buf *pointer,
    struct buf *name, unsigned depth, member_each *each, void *self)
{
	const struct json_tok *t = j->tok;
	size_t before = pointer->len;

	for (uint32_t i = object + 1; i < t[object].next; i = t[i + 1].next) {
		struct member m = { .value = i + 1, .depth = depth };

		buf_clear(name);
		json_unescape(name, j, i);
		m.name = buf_text(name);
		m.n = name->len;
		if (name->failed)
			return -1;
		if (has_control_char(m.name, m.n))
			continue;
		pointer_put_part(pointer, m.name, m.n);
		member_make_key(m.key, m.name, m.n);
		(void)buf_text(pointer);
		m.pointer = pointer->data;
		if (pointer->failed && !pointer->full)
			return -1;
		if (!pointer->failed)
			each(self, j, &m);
		if (!pointer->failed && t[i + 1].type == JSON_OBJECT &&
		    depth < MEMBERS_DEPTH &&
		    visit_members(j, i + 1, pointer, name, depth + 1, each,
		    self) == -1)
			return -1;
		pointer->len = before;
		pointer->failed = pointer->full = false;
	}
	return 0;
}

int
members_visit(const struct json *j, uint32_t object, member_each *each,
    void *self, struct err *e)
{
	struct buf pointer, name;
	int rc = 0;

	buf_init(&pointer, MEMBER_POINTER);
	buf_init(&name, SIZE_MAX / 2);
	if (j->tok[object].type == JSON_OBJECT)
		rc = visit_members(j, object, &pointer, &name, 1, each, self);
	buf_release(&name);
	buf_release(&pointer);
	return rc == -1 ? err_nomem(e) : 0;
}
