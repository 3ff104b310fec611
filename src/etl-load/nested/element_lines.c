#include "nested/element_lines.h"

#include "json/pointer.h"
#include "json/write.h"
#include "nested/child_columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
element_lines_init(struct element_lines *l, const struct target *child,
    const struct target *parent, const char *pointer)
{
	*l = (struct element_lines){ .child = child, .parent = parent,
		.pointer = pointer };
	buf_init(&l->key, SIZE_MAX / 4);
	buf_init(&l->name, SIZE_MAX / 4);
	buf_init(&l->place, SIZE_MAX / 4);
}

void
element_lines_release(struct element_lines *l)
{
	buf_release(&l->key);
	buf_release(&l->name);
	buf_release(&l->place);
}

unsigned
element_lines_levels(const struct element_lines *l)
{
	unsigned n = pointer_count(l->pointer) + 2;

	if (n < l->parent->mapping.levels)
		n = l->parent->mapping.levels;
	return n < JSON_LEVELS_ALL ? n : JSON_LEVELS_ALL;
}

static const char *
get_key_name(const struct element_lines *l, size_t i)
{
	const struct target *t = l->child;

	return t->table->columns[t->scope.columns[i]].name;
}

/* Returns the token of value number i of the record's key; 0 if it has none. */
static uint32_t
find_key_value(const struct element_lines *l, size_t i)
{
	const struct target *p = l->parent;

	return mapping_find_value(&p->mapping, p->table, l->json, p->key[i]);
}

int
element_lines_start(struct element_lines *l, struct json *record, struct err *e)
{
	l->json = record;
	buf_clear(&l->key);
	buf_char(&l->key, '{');
	for (size_t i = 0; i < l->child->scope.n; i++) {
		const struct json_tok *t =
		    &record->tok[find_key_value(l, i)];

		json_put_raw(&l->key, get_key_name(l, i), record->text + t->at,
		    t->len);
	}
	return buf_check(&l->key, e);
}

int
element_lines_find_array(
    struct element_lines *l, uint32_t *array, struct reject *why)
{
	const struct json_tok *tok = l->json->tok;

	if (!pointer_find(l->json, l->pointer, array) ||
	    tok[*array].type == JSON_NULL)
		return 0;
	if (tok[*array].type == JSON_ARRAY)
		return 1;
	(void)snprintf(l->message, sizeof(l->message), "the rows of table %s "
	    "come from an array here (--nested), but the value is %s",
	    l->child->table->name, json_type_name(tok[*array].type));
	*why = (struct reject){ .code = "type", .pointer = l->pointer,
		.message = l->message };
	return -1;
}

void
element_lines_put_key(const struct element_lines *l, struct buf *b)
{
	buf_add(b, l->key.data, l->key.len);
	buf_char(b, '}');
}

/* Returns the name that is token `tok`, with its escapes decoded. */
static const char *
get_member_name(struct element_lines *l, uint32_t tok, size_t *len)
{
	const struct json_tok *t = &l->json->tok[tok];

	if ((t->flags & JSON_ESCAPED) == 0) {
		*len = t->len - 2;
		return l->json->text + t->at + 1;
	}
	buf_clear(&l->name);
	json_unescape(&l->name, l->json, tok);
	*len = l->name.len;
	return buf_text(&l->name);
}

/* The member `name` of an element has the name of a column that the loader
 * sets. True if its value (token `tok`) has the same text as the value that the
 * loader sets. */
static bool
has_loader_value(const struct element_lines *l, const char *name, size_t len,
    uint32_t tok, uint64_t number)
{
	const struct json_tok *t = &l->json->tok[tok], *v;
	const char *text = l->json->text;
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, number);

	for (size_t i = 0; i < l->child->scope.n; i++) {
		const char *key = get_key_name(l, i);

		if (strlen(key) != len || memcmp(key, name, len) != 0)
			continue;
		v = &l->json->tok[find_key_value(l, i)];
		return v->len == t->len &&
		    memcmp(text + v->at, text + t->at, t->len) == 0;
	}
	return t->len == (size_t)n && memcmp(text + t->at, digits, t->len) == 0;
}

static int
reject_own_member(struct element_lines *l, const char *name, size_t len,
    uint64_t number, struct reject *why)
{
	(void)snprintf(l->message, sizeof(l->message), "table %s: --nested "
	    "sets column \"%.*s\", but this member has another value",
	    l->child->table->name, len < 200 ? (int)len : 200, name);
	buf_clear(&l->place);
	buf_printf(&l->place, "%s/%" PRIu64, l->pointer, number);
	pointer_put_part(&l->place, name, len);
	*why = (struct reject){ .code = "schema", .message = l->message,
		.pointer = buf_text(&l->place) };
	return 0;
}

/* Appends a member of the element. If the loader itself sets the column of this
 * name, such as the position, appends nothing; if the member then has another
 * value than the loader sets, rejects the record. Returns 1, or 0 if the record
 * must be rejected. */
static int
put_member(struct element_lines *l, struct buf *b, uint32_t tok,
    uint64_t number, struct reject *why)
{
	const struct json_tok *t = l->json->tok;
	const char *text = l->json->text, *name;
	size_t len;

	name = get_member_name(l, tok, &len);
	if (child_sets_column(l->child, name, len))
		return has_loader_value(l, name, len, tok + 1,
		    number) ? 1 : reject_own_member(l, name, len, number, why);
	buf_char(b, ',');
	buf_add(b, text + t[tok].at, t[tok].len);
	buf_char(b, ':');
	buf_add(b, text + t[tok + 1].at, t[tok + 1].len);
	return 1;
}

int
element_lines_put(struct element_lines *l, struct buf *b, uint32_t tok,
    uint64_t number, struct reject *why)
{
	const struct json_tok *t = l->json->tok;
	int rc = 1;

	buf_add(b, l->key.data, l->key.len);
	if (l->child->position != NO_COLUMN)
		json_put_int(b, CHILD_POSITION, (int64_t)number);
	if (t[tok].type != JSON_OBJECT)
		json_put_raw(b, CHILD_VALUE, l->json->text + t[tok].at,
		    t[tok].len);
	else
		for (uint32_t m = tok + 1; m < t[tok].next && rc == 1;
		    m = t[m + 1].next)
			rc = put_member(l, b, m, number, why);
	buf_char(b, '}');
	return rc;
}

/* `inner` is a pointer in the line that was made. True if it leads to a member
 * that the loader has put there, which the element itself does not have. */
static bool
is_own_pointer(struct element_lines *l, const char *inner)
{
	for (size_t i = 0; i < l->child->scope.n; i++) {
		const char *name = get_key_name(l, i);

		buf_clear(&l->name);
		pointer_put_part(&l->name, name, strlen(name));
		if (strcmp(buf_text(&l->name), inner) == 0)
			return true;
	}
	return strcmp(inner, "/" CHILD_POSITION) == 0;
}

const char *
element_lines_pointer(struct element_lines *l, uint64_t number, bool is_object,
    const char *inner, struct err *e)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "%s/%" PRIu64, l->pointer, number);
	if (inner != NULL && is_object && !is_own_pointer(l, inner))
		buf_str(&b, inner);
	buf_clear(&l->place);
	buf_add(&l->place, b.data, b.len);
	(void)buf_text(&l->place);
	l->place.failed |= b.failed | l->name.failed;
	buf_release(&b);
	return buf_check(&l->place, e) == -1 ? NULL : l->place.data;
}
