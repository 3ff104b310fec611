#include "pg/pg_key_order.h"

#include "json/number.h"
#include "json/write.h"

#include <string.h>

void
key_order_init(struct key_order *o, const struct target *t)
{
	*o = (struct key_order){ .target = t };
	buf_init(&o->last, SIZE_MAX / 2);
	buf_init(&o->key, SIZE_MAX / 2);
}

void
key_order_release(struct key_order *o)
{
	buf_release(&o->last);
	buf_release(&o->key);
}

void
key_order_restart(struct key_order *o)
{
	o->any = false;
	o->ascending = o->distinct = o->target->mode->keyed;
}

/* Appends the number as 8 bytes in big-endian order, with the sign bit
 * inverted: memcmp() then orders the bytes as the numbers. */
static void
put_sortable_int(struct buf *b, int64_t v)
{
	uint64_t u = (uint64_t)v ^ UINT64_C(1) << 63;
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(u >> (56 - 8 * i));
	buf_add(b, bytes, sizeof(bytes));
}

/* Appends the text and a NUL. No text contains a NUL. So a key with "a" comes
 * before a key with "ab", whatever value the next column of the key has.
 * Returns false if the text ends with a space, because the stored text may be
 * another one: a column of type varchar(2) stores "ab " as "ab". */
static bool
put_sortable_text(struct buf *b, const struct json *j, uint32_t tok)
{
	json_unescape(b, j, tok);
	buf_char(b, '\0');
	return b->len < 2 || b->data[b->len - 2] != ' ';
}

/* Returns false if this program does not know how the server orders the value:
 * the column is of another type, or the server converts the value. */
static bool
put_sortable_value(struct buf *b, const struct column *c, const struct json *j,
    uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];
	int64_t v;

	if (c->kind == COLUMN_INT && t->type == JSON_NUMBER &&
	    number_to_int64(j->text + t->at, t->len, &v))
		put_sortable_int(b, v);
	else if (c->equal_as_bytes && t->type == JSON_STRING)
		return put_sortable_text(b, j, tok);
	else
		return false;
	return true;
}

/* Returns false if the order of one of the values is not known. */
static bool
put_sortable_key(struct buf *b, const struct target *t, const struct reader *r)
{
	buf_clear(b);
	for (size_t i = 0; i < t->nkey; i++)
		if (!put_sortable_value(b, &t->table->columns[t->key[i]],
		    &r->json, r->value[t->key[i]]))
			return false;
	return true;
}

static int
compare_bytes(const struct buf *a, const struct buf *b)
{
	int rc = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

int
key_order_add(struct key_order *o, const struct reader *r, struct err *e)
{
	struct buf before;
	int rc = -1;

	if (!o->ascending)
		return 0;
	if (!put_sortable_key(&o->key, o->target, r))
		rc = 1;
	if (buf_check(&o->key, e) == -1)
		return -1;
	if (rc == -1 && o->any)
		rc = compare_bytes(&o->last, &o->key);
	o->ascending = rc <= 0;
	o->distinct = o->distinct && rc < 0;
	o->any = true;
	before = o->last;
	o->last = o->key;
	o->key = before;
	return 0;
}
