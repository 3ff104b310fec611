#include "table/change_key.h"

#include "json/write.h"

#include <string.h>

#define KEY_MEMBER "etl.k"      /* members are found by their place */

static int
scan_copied_text(
    const struct change *c, struct json *j, struct buf *b, struct err *e)
{
	struct json_fault f;

	if (buf_check(b, e) == -1)
		return -1;
	if (json_scan(j, b->data, b->len, c->target->mapping.levels, JSON_LAST,
	    &f) == 0)
		return 0;
	return f.nomem ? err_nomem(e) :
	    err_bug(e, "the copy of a key cannot be read");
}

/* Returns the token of the value of column number i of the key, or 0. */
static uint32_t
find_key_value(const struct change *c, struct json *j, size_t i)
{
	const struct target *t = c->target;

	return j == NULL ? 0 :
	    mapping_find_value(&t->mapping, t->table, j, t->key[i]);
}

static bool
has_value(const struct json *j, uint32_t token)
{
	return token != 0 && j->tok[token].type != JSON_NULL;
}

/* Appends a member with the value of column number i of the key. The value is
 * read from *first or, if it is missing or null there, from *second. Returns
 * false if neither has it. */
static bool
put_key_member(struct buf *b, const struct change *c, size_t i,
    struct json *first, struct json *second)
{
	uint32_t one = find_key_value(c, first, i);
	uint32_t two = find_key_value(c, second, i);
	bool second_counts = !has_value(first, one) && two != 0;
	const struct json *j = second_counts ? second : first;
	const struct json_tok *t = &j->tok[second_counts ? two : one];

	if (one == 0 && two == 0)
		return false;
	json_put_raw(b, KEY_MEMBER, j->text + t->at, t->len);
	return true;
}

/* The object *j begins with the values of some key columns, in the order of the
 * key: those whose value[] is not 0. Sets their value[] to the tokens of the
 * values. Returns the token of the member after them. */
static uint32_t
set_key_values(const struct change *c, const struct json *j, uint32_t *value)
{
	const size_t *key = c->target->key;
	uint32_t t = 1;

	for (size_t i = 0; i < c->target->nkey; i++)
		if (value[key[i]] != 0) {
			value[key[i]] = t + 1;
			t = j->tok[t + 1].next;
		}
	return t;
}

/* Makes an object that has only the members of the key: writes it into b, scans
 * it into *out, and sets value[] of the key's columns. */
static int
make_key_object(struct change *c, struct buf *b, struct json *first,
    struct json *second, struct json *out, uint32_t *value, struct err *e)
{
	buf_clear(b);
	buf_char(b, '{');
	for (size_t i = 0; i < c->target->nkey; i++)
		value[c->target->key[i]] =
		    put_key_member(b, c, i, first, second);
	buf_char(b, '}');
	if (scan_copied_text(c, out, b, e) == -1)
		return -1;
	(void)set_key_values(c, out, value);
	return 0;
}

/* An UPDATE may lack columns of the key because it has only changed members. If
 * the row before the change has them, adds them to *row. */
static int
add_missing_key(struct change *c, struct json *row, struct err *e)
{
	struct buf *b = &c->row_text;
	bool any = false;

	buf_clear(b);
	buf_char(b, '{');
	for (size_t i = 0; i < c->target->nkey; i++)
		if (find_key_value(c, row, i) == 0 &&
		    has_value(&c->old, find_key_value(c, &c->old, i))) {
			c->key_value[c->target->key[i]] =
			    put_key_member(b, c, i, &c->old, NULL);
			any = true;
		}
	if (!any)
		return 0;
	if (row->tok[0].members > 0)
		buf_char(b, ',');
	buf_add(b, row->text + 1, row->len - 1);
	if (scan_copied_text(c, row, b, e) == -1)
		return -1;
	c->first_member = set_key_values(c, row, c->key_value);
	return 0;
}

/* True if the row before the change has another key than the row after it. */
static bool
old_key_differs(struct change *c, struct json *row)
{
	for (size_t i = 0; i < c->target->nkey; i++) {
		uint32_t added = c->key_value[c->target->key[i]];
		uint32_t a = added != 0 ? added : find_key_value(c, row, i);
		uint32_t b = find_key_value(c, &c->old, i);
		const struct json_tok *x = &row->tok[a], *y = &c->old.tok[b];

		if (has_value(&c->old, b) && (a == 0 || x->len != y->len ||
		    memcmp(row->text + x->at, c->old.text + y->at, x->len) !=
		    0))
			return true;
	}
	return false;
}

int
change_set_keys(struct change *c, struct json *row, struct err *e)
{
	if (add_missing_key(c, row, e) == -1)
		return -1;
	c->moves = old_key_differs(c, row);
	return !c->moves ? 0 : make_key_object(
	    c, &c->old_text, &c->old, row, &c->old, c->old_value, e);
}

int
change_keep_key(struct change *c, struct json *row,
    struct json *other, struct err *e)
{
	if (make_key_object(c, &c->row_text, row, other, row, c->key_value,
	    e) == -1)
		return -1;
	c->first_member = row->n;
	return 0;
}
