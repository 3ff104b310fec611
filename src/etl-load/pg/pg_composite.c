#include "pg/pg_composite.h"

#include "json/name.h"
#include "table/row_values.h"

#include <string.h>

struct search {
	struct reader *r;
	size_t column;
	struct reject *why;
};

/* Finds the member of the composite type with this name. Returns NULL if there
 * is none. */
static const struct column *
find_field(const struct column *c, const struct json *j, uint32_t name_tok)
{
	for (size_t i = 0; i < c->nfields; i++)
		if (name_compare_text(&j->tok[name_tok], j->text,
		    c->fields[i].name, strlen(c->fields[i].name)) == 0)
			return &c->fields[i];
	return NULL;
}

/* True if a value of the type contains bytes. */
static bool
holds_bytes(const struct column *c, enum column_kind kind)
{
	if (kind == COLUMN_BYTES ||
	    (kind == COLUMN_ARRAY && c->element == COLUMN_BYTES))
		return true;
	for (size_t i = 0; i < c->nfields; i++)
		if (holds_bytes(&c->fields[i], c->fields[i].kind))
			return true;
	return false;
}

/* With --bytes base64, returns false for a value that is not base64. It is also
 * false for a string such as (\x41,1), which is PostgreSQL's own form of a
 * composite value with bytes: PostgreSQL cannot decode base64 in it. */
static bool
fits_base64(struct search *s, const struct column *c, enum column_kind kind,
    uint32_t tok)
{
	if (!s->r->target->mapping.base64)
		return true;
	if (kind == COLUMN_BYTES)
		return row_is_base64(&s->r->text, &s->r->inner, tok);
	return s->r->inner.tok[tok].type != JSON_STRING ||
	    !holds_bytes(c, kind);
}

/* True if PostgreSQL would read the JSON text as another value: {} as an empty
 * array or multirange, and [1,5] as a range. */
static bool
is_misread(const struct column *c, enum column_kind kind, enum json_type type)
{
	if (kind == COLUMN_ARRAY)
		return type == JSON_OBJECT;
	return kind == COLUMN_RANGE &&
	    (type == JSON_OBJECT || type == JSON_ARRAY);
}

static int
reject_misread(struct reader *r, struct reject *why, size_t column)
{
	return reader_reject(r, why, column, "type",
	    "this JSON value is not a value of type %s",
	    r->target->table->columns[column].type);
}

static int reject_unfit_value(struct search *s, const struct column *c,
    enum column_kind kind, uint32_t tok);

static int
reject_members(struct search *s, const struct column *c, uint32_t tok)
{
	const struct json *j = &s->r->inner;
	const struct column *f;

	for (uint32_t i = tok + 1; i < j->tok[tok].next;
	    i = j->tok[i + 1].next) {
		if ((f = find_field(c, j, i)) == NULL)
			return reader_reject(s->r, s->why, s->column, "schema",
			    "type %s has no member %.*s", c->composite_name,
			    j->tok[i].len < 200 ? (int)j->tok[i].len : 200,
			    j->text + j->tok[i].at);
		if (reject_unfit_value(s, f, f->kind, i + 1) == 0)
			return 0;
	}
	return 1;
}

/* `kind` is the type of this value. It differs from c->kind if c is an array
 * column and the value is one of its elements. */
static int
reject_unfit_value(struct search *s, const struct column *c,
    enum column_kind kind, uint32_t tok)
{
	const struct json *j = &s->r->inner;
	const struct json_tok *t = &j->tok[tok];

	if (kind == COLUMN_ARRAY && t->type == JSON_ARRAY) {
		for (uint32_t i = tok + 1; i < t->next; i = j->tok[i].next)
			if (reject_unfit_value(s, c, j->tok[i].type ==
			    JSON_ARRAY ? kind : c->element, i) == 0)
				return 0;
		return 1;
	}
	if (is_misread(c, kind, t->type))
		return reject_misread(s->r, s->why, s->column);
	if (!fits_base64(s, c, kind, tok))
		return row_reject_not_base64(s->r, s->why, s->column);
	return kind == COLUMN_ARRAY || c->fields == NULL ||
	    t->type != JSON_OBJECT ? 1 : reject_members(s, c, tok);
}

int
pg_reject_unfit(struct reader *r, const struct shape *s, struct reject *why,
    struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		struct search at = { r, s->columns[i], why };
		const struct column *c = &r->target->table->columns[at.column];
		const struct json_tok *t = &reader_json(r,
		    at.column)->tok[r->value[at.column]];
		struct json_fault f = { 0 };
		int rc;

		if (is_misread(c, c->kind, t->type))
			return reject_misread(r, why, at.column);
		if (t->type == JSON_NULL || (c->nfields == 0 &&
			c->element != COLUMN_RANGE))
			continue;
		if (json_scan(&r->inner, r->json.text + t->at, t->len,
			JSON_LEVELS_ALL, JSON_LAST, &f) == -1)
			return err_nomem(e);
		rc = reject_unfit_value(&at, c, c->kind, 0);
		if (buf_check(&r->text, e) == -1)
			return -1;
		if (rc == 0)
			return 0;
	}
	return 1;
}
