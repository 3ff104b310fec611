#include "table/change_key.h"

#include "json/write.h"

#include <string.h>

static int
scan_text(struct json *j, struct buf *b, struct err *e)
{
	struct json_fault f;

	if (buf_check(b, e) == -1)
		return -1;
	if (json_scan(j, b->data, b->len, 1, JSON_LAST, &f) == 0)
		return 0;
	return f.nomem ? err_nomem(e) :
	    err_set(e, ERR_BUG, false, "a key that was copied differs");
}

static uint32_t
find_key(const struct change *c, const struct json *j, size_t i)
{
	const char *name =
	    c->target->table->columns[c->target->key[i]].name;

	return j == NULL ? 0 : json_member_value(j, 0, name, strlen(name));
}

static bool
has_value(const struct json *j, uint32_t token)
{
	return token != 0 && j->tok[token].type != JSON_NULL;
}

/* Appends the member of column number i of the key: the first of the two that
 * has a value. */
static void
put_key_member(struct buf *b, const struct change *c, size_t i,
    const struct json *first, const struct json *second)
{
	uint32_t one = find_key(c, first, i), two = find_key(c, second, i);
	bool second_counts = !has_value(first, one) && two != 0;
	const struct json *j = second_counts ? second : first;
	const struct json_tok *t = &j->tok[second_counts ? two : one];

	if (one == 0 && two == 0)
		return;
	json_put_raw(b, c->target->table->columns[c->target->key[i]].name,
	    j->text + t->at, t->len);
}

/* Writes an object with the key alone into b, and scans it into *out. */
static int
make_key(struct change *c, struct buf *b, const struct json *first,
    const struct json *second, struct json *out, struct err *e)
{
	buf_clear(b);
	buf_char(b, '{');
	for (size_t i = 0; i < c->target->nkey; i++)
		put_key_member(b, c, i, first, second);
	buf_char(b, '}');
	return scan_text(out, b, e);
}

/* A partial update may have (a part of) its key only in the row before it. If
 * so, adds these members to the row. */
static int
add_missing_key(struct change *c, struct json *row, struct err *e)
{
	struct buf *b = &c->row_text;
	bool any = false;

	buf_clear(b);
	buf_char(b, '{');
	for (size_t i = 0; i < c->target->nkey; i++)
		if (find_key(c, row, i) == 0 &&
		    has_value(&c->old, find_key(c, &c->old, i))) {
			put_key_member(b, c, i, &c->old, NULL);
			any = true;
		}
	if (!any)
		return 0;
	if (row->tok[0].members > 0)
		buf_char(b, ',');
	buf_add(b, row->text + 1, row->len - 1);
	return scan_text(row, b, e);
}

/* True if the row before the change has another key than the row after it. */
static bool
key_differs(const struct change *c, const struct json *row)
{
	for (size_t i = 0; i < c->target->nkey; i++) {
		uint32_t a = find_key(c, row, i), b = find_key(c, &c->old, i);
		const struct json_tok *x = &row->tok[a], *y = &c->old.tok[b];

		if (has_value(&c->old, b) && (a == 0 || x->len != y->len ||
		    memcmp(row->text + x->at, c->old.text + y->at, x->len) !=
		    0))
			return true;
	}
	return false;
}

int
change_find_old_key(struct change *c, struct json *row, struct err *e)
{
	if (add_missing_key(c, row, e) == -1)
		return -1;
	c->moves = key_differs(c, row);
	if (!c->moves)
		return 0;
	if (make_key(c, &c->old_text, &c->old, row, &c->old, e) == -1)
		return -1;
	for (size_t i = 0; i < c->target->nkey; i++)
		c->old_value[c->target->key[i]] = find_key(c, &c->old, i);
	return 0;
}

int
change_reduce_row_to_key(struct change *c, struct json *row,
    const struct json *other, struct err *e)
{
	return make_key(c, &c->row_text, row, other, row, e);
}
