#include "probe/members.h"

#include "base/buf.h"
#include "json/pointer.h"

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

static int
visit_unescaped_members(const struct json *j, uint32_t object,
    struct buf *pointer, unsigned depth, member_each *each, void *self)
{
	const struct json_tok *t = j->tok;
	size_t before = pointer->len;

	for (uint32_t i = object + 1; i < t[object].next; i = t[i + 1].next) {
		struct member m = { .name = j->text + t[i].at + 1,
		    .n = (size_t)t[i].len - 2, .value = i + 1,
		    .depth = depth };

		if ((t[i].flags & JSON_ESCAPED) != 0)
			continue;
		pointer_append_part(pointer, m.name, m.n);
		member_make_key(m.key, m.name, m.n);
		(void)buf_text(pointer);
		m.pointer = pointer->data;
		if (pointer->failed && !pointer->full)
			return -1;
		if (!pointer->failed)
			each(self, j, &m);
		if (!pointer->failed && t[i + 1].type == JSON_OBJECT &&
		    depth < MEMBERS_DEPTH &&
		    visit_unescaped_members(j, i + 1, pointer, depth + 1, each,
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
	struct buf pointer;
	int rc = 0;

	buf_init(&pointer, MEMBER_POINTER);
	if (j->tok[object].type == JSON_OBJECT)
		rc = visit_unescaped_members(j, object, &pointer, 1, each,
		    self);
	buf_release(&pointer);
	return rc == -1 ? err_nomem(e) : 0;
}
