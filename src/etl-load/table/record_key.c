#include "json/write.h"
#include "table/row_values.h"

/* Rejects the record if its value for column c is missing or null. `use` says
 * in the message what the column is for, such as "is part of the key". */
static int
require_value(struct reader *r, struct reject *why, size_t c, const char *use)
{
	const char *name = reader_get_place(r, c);

	if (r->value[c] == 0)
		return reader_reject(r, why, c, "required",
		    "the record has no \"%s\", which %s", name, use);
	if (r->json.tok[r->value[c]].type == JSON_NULL)
		return reader_reject(r, why, c, "required",
		    "\"%s\" is null, but it %s", name, use);
	return 1;
}

int
reader_require_key(struct reader *r, struct reject *why)
{
	const struct target *t = r->target;

	for (size_t i = 0; i < t->nkey; i++)
		if (require_value(r, why, t->key[i], "is part of the key") == 0)
			return 0;
	return t->newer_by == NO_COLUMN ? 1 :
	    require_value(r, why, (size_t)t->newer_by,
		"says which row is newer (--newer-by)");
}

void
reader_swap_key(struct reader *r)
{
	struct change *c = &r->change;
	const struct json json = r->json;
	uint32_t *value = r->value;
	const struct shape *shape = r->shape;

	r->json = c->old;
	c->old = json;
	r->value = c->old_value;
	c->old_value = value;
	r->at_old_key = !r->at_old_key;
	r->shape = r->at_old_key ? &c->old_shape : r->shape_of_row;
	if (r->at_old_key)
		r->shape_of_row = shape;
}

/* Scans a record that was matched or rejected before, so duplicate members are
 * no error now. Returns 1; 0: the line is not a JSON object, or not a change;
 * -1 with *e. */
static int
scan_record_again(struct reader *r, const struct line *l, struct err *e)
{
	struct json_fault f = { 0 };
	struct reject why;
	int rc;

	if (r->target->mode->changes) {
		rc = change_read(&r->change, l, &r->json, JSON_LAST, &why, e);
		return rc == 2 ? 0 : rc;
	}
	if (l->too_long)
		return 0;
	if (json_scan(&r->json, l->data, l->len, r->target->mapping.levels,
	    JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	return r->json.tok[0].type == JSON_OBJECT;
}

int
reader_put_key_json(struct reader *r, const struct line *l, struct buf *out,
    struct err *e)
{
	const struct target *t = r->target;
	int rc;

	if (t->nkey == 0)
		return 0;
	if ((rc = scan_record_again(r, l, e)) != 1)
		return rc;
	for (size_t i = 0; i < t->nkey; i++) {
		uint32_t v = row_find_value(r, t->key[i]);

		if (v == 0 || r->json.tok[v].type == JSON_NULL)
			return 0;
		buf_char(out, i == 0 ? '[' : ',');
		json_put_compact(out, &r->json, v);
	}
	buf_char(out, ']');
	return buf_check(out, e) == -1 ? -1 : 1;
}
